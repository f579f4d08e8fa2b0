package io.octavo.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.hub.RepositoryName;
import io.octavo.jobs.artifact.ArtifactService;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.queue.FoundPlans;
import io.octavo.jobs.queue.JobService;
import io.octavo.jobs.repository.RepositoryService;
import io.octavo.jobs.spec.JobSpecReader;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import io.octavo.wire.RepositoryFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.springframework.context.ApplicationContext;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A GPTQ job on the example model, and what can be seen of it from outside.
 *
 * @param client any application on the service's database and store
 */
public record CalibratedJob(ApplicationContext client, UUID id) {

    /** Of the example model; each becomes one file of the journal. */
    public static final int LAYERS = 4;

    private static final TenantId TENANT = TenantId.BUILT_IN;

    /** Stores what the job reads; once a database. */
    public static void pushInputs(ApplicationContext client) throws IOException {
        Path examples = examples();
        try (Stream<Path> model = Files.list(examples.resolve("models/books-5m"))) {
            push(client, "octavo/books", model.sorted().toList());
        }
        push(client, "octavo/texts", List.of(examples.resolve("data/books-calibration.jsonl")));
    }

    private static void push(ApplicationContext client, String repository, List<Path> files) throws IOException {
        List<RepositoryFile> entries = new ArrayList<>();
        for (Path file : files) {
            try (InputStream content = Files.newInputStream(file)) {
                BlobId id = client.getBean(BlobStore.class).put(TENANT, content, Files.size(file), null);
                entries.add(new RepositoryFile(file.getFileName().toString(), id.size(), id.sha256()));
            }
        }
        client.getBean(RepositoryService.class).commit(TENANT, RepositoryName.parse(repository), "push", entries);
    }

    private static Path examples() {
        Path root = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(root.resolve("examples/models"))) {
            root = Objects.requireNonNull(root.getParent());
        }
        return root.resolve("examples");
    }

    public static CalibratedJob submit(ApplicationContext client, String target) {
        JsonNode spec = JsonMapper.shared().readTree("""
                {"type": "quantize", "source": "hub:octavo/books", "scheme": "W4A16_G64", "target": "%s", "reuse": false,
                 "modifiers": [{"type": "gptq"}],
                 "calibration": {"dataset": "hub:octavo/texts", "samples": 4, "sequenceLength": 64, "seed": 0}}
                """.formatted(target));
        return new CalibratedJob(
                client,
                client.getBean(JobService.class)
                        .submit(TENANT, client.getBean(JobSpecReader.class).read(spec), FoundPlans.NONE)
                        .id());
    }

    public JobView view() {
        return client.getBean(JobService.class).get(TENANT, id);
    }

    /** Waits until the job has made it. */
    public List<RepositoryFile> artifact() {
        Awaitility.await().atMost(Duration.ofMinutes(5)).until(() -> {
            JobView now = view();
            assertThat(now.status()).as("%s", now.problem()).isNotIn(JobStatus.FAILED, JobStatus.CANCELLED);
            return now.status() == JobStatus.SUCCEEDED;
        });
        String artifact =
                Objects.requireNonNull(view().result()).get("artifactId").asString();
        return client.getBean(ArtifactService.class)
                .get(TENANT, UUID.fromString(artifact))
                .files();
    }

    /** How many layers the next attempt would find. */
    public int kept() {
        return client.getBean(JdbcClient.class)
                .sql("select count(*) from job_journal where job_id = ?")
                .param(id)
                .query(Integer.class)
                .single();
    }

    /** How many lines of its log hold the text. */
    public long lines(String text) {
        return client.getBean(JobService.class).events(TENANT, id, 0, new PageLimit(500)).items().stream()
                .filter(event -> event.data().path("line").asString("").contains(text))
                .count();
    }
}
