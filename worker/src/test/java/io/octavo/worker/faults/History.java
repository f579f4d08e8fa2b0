package io.octavo.worker.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.BlobStore;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * Judges a run by what it left: the append-only events of the database, the journals of the workers, the artifacts and
 * their bytes.
 */
final class History {

    /** An event as it was stored. */
    private record Event(
            UUID job,
            int attempt,
            String type,
            @Nullable String status,
            @Nullable String worker) {}

    private record Token(UUID job, int attempt) {}

    private final JdbcClient sql;
    private final Map<Token, String> owners = new HashMap<>();
    private final Set<UUID> succeeded = new HashSet<>();
    private int events;

    History(JdbcClient sql) {
        this.sql = sql;
    }

    int events() {
        return events;
    }

    int attempts() {
        return owners.size();
    }

    /** None lost: all that were submitted are there and have ended. */
    void requireAllEnded(Set<UUID> submitted) {
        List<UUID> ended = sql.sql("select id from job where status in ('SUCCEEDED', 'FAILED', 'CANCELLED')")
                .query(UUID.class)
                .list();
        assertThat(ended).as("jobs that have ended").containsExactlyInAnyOrderElementsOf(submitted);
    }

    /** Every job goes its way step by step, and nobody writes for it but the attempt that holds it. */
    void requireOrderlyEvents(Set<UUID> pipelines) {
        Map<UUID, List<Event>> byJob = new HashMap<>();
        sql.sql("select job_id, attempt, type, data ->> 'status' as status, data ->> 'worker' as worker"
                        + " from job_event order by id")
                .query((row, number) -> new Event(
                        row.getObject("job_id", UUID.class),
                        row.getInt("attempt"),
                        row.getString("type"),
                        row.getString("status"),
                        row.getString("worker")))
                .list()
                .forEach(event -> {
                    events++;
                    byJob.computeIfAbsent(event.job(), job -> new ArrayList<>()).add(event);
                });
        pipelines.forEach(byJob::remove); // nobody holds them; their steps tell what became of them
        byJob.forEach(this::follow);
    }

    /** No step ran before what it needs had succeeded, each pipeline ended as its steps did, and none has more than one end. */
    void requireOrderlySteps(Set<UUID> pipelines) {
        assertThat(sql.sql("""
                                select s.step from job s
                                join job n on n.parent = s.parent and jsonb_exists(s.needs, n.step)
                                join job_event began on began.job_id = s.id and began.type = 'state'
                                    and began.data ->> 'status' = 'RUNNING'
                                left join job_event made on made.job_id = n.id and made.type = 'state'
                                    and made.data ->> 'status' = 'SUCCEEDED' and made.id < began.id
                                where made.id is null
                                """).query(String.class).list())
                .as("steps that ran before their needs had succeeded")
                .isEmpty();
        for (UUID pipeline : pipelines) {
            List<String> steps = sql.sql("select status from job where parent = ?")
                    .param(pipeline)
                    .query(String.class)
                    .list();
            String status = sql.sql("select status from job where id = ?")
                    .param(pipeline)
                    .query(String.class)
                    .single();
            assertThat(status.equals("SUCCEEDED"))
                    .as("pipeline %s ended as its steps: %s", pipeline, steps)
                    .isEqualTo(steps.stream().allMatch("SUCCEEDED"::equals));
            assertThat(sql.sql("select count(*) from job_event where job_id = ? and type = 'state'"
                                    + " and data ->> 'status' = 'SUCCEEDED'")
                            .param(pipeline)
                            .query(Integer.class)
                            .single())
                    .as("pipeline %s succeeds once", pipeline)
                    .isEqualTo(status.equals("SUCCEEDED") ? 1 : 0);
        }
    }

    private void follow(UUID job, List<Event> story) {
        int attempt = 0;
        boolean running = false;
        for (Event event : story) {
            String what = "job " + job + ": " + event + " in " + story;
            assertThat(succeeded).as("nothing after success; %s", what).doesNotContain(job);
            if (!event.type().equals("state")) {
                assertThat(running && event.attempt() == attempt)
                        .as("no stale write accepted; %s", what)
                        .isTrue();
                continue;
            }
            switch (Objects.requireNonNull(event.status())) {
                case "RUNNING" -> {
                    if (!running) {
                        assertThat(event.attempt())
                                .as("tokens rise by one; %s", what)
                                .isEqualTo(attempt + 1);
                        attempt = event.attempt();
                        owners.put(new Token(job, attempt), Objects.requireNonNull(event.worker()));
                    }
                    assertThat(event.attempt()).as("one live owner; %s", what).isEqualTo(attempt);
                    running = true;
                }
                case "SUCCEEDED" -> {
                    assertThat(running && event.attempt() == attempt)
                            .as("only the owner completes; %s", what)
                            .isTrue();
                    running = false;
                    succeeded.add(job);
                }
                default -> {
                    assertThat(event.attempt())
                            .as("states are of the last attempt; %s", what)
                            .isEqualTo(attempt);
                    running = false;
                }
            }
        }
    }

    /** What the workers themselves wrote down agrees: each token was worked on by one process, the one it was given to. */
    void requireJournalsAgree(List<WorkerProcess> workers) {
        Map<Token, String> begun = new HashMap<>();
        for (WorkerProcess worker : workers) {
            for (String line : lines(worker)) {
                String[] parts = line.split(" ", -1);
                if (parts[1].equals("begin")) {
                    int dash = parts[2].lastIndexOf('-');
                    Token token = new Token(
                            UUID.fromString(parts[2].substring(0, dash)),
                            Integer.parseInt(parts[2].substring(dash + 1)));
                    assertThat(begun.put(token, worker.name() + " " + parts[0]))
                            .as("one live owner of %s", token)
                            .isNull();
                    assertThat(owners).as("who works was given the job").containsEntry(token, worker.name());
                }
            }
        }
    }

    private static List<String> lines(WorkerProcess worker) {
        try {
            return Files.exists(worker.journal()) ? Files.readAllLines(worker.journal()) : List.of();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Exactly one artifact for each job that succeeded and none for the others, with the files that it must have, byte by
     * byte.
     *
     * @param expected SHA-256 by path, for each submitted job
     */
    void requireArtifacts(Map<UUID, Map<String, String>> expected, BlobStore blobs) {
        Map<UUID, Map<String, String>> actual = new HashMap<>();
        sql.sql("select a.job_id, f.path, f.sha256 from artifact a join artifact_file f on f.artifact_id = a.id")
                .query((row, number) -> actual.computeIfAbsent(
                                row.getObject("job_id", UUID.class), job -> new HashMap<>())
                        .put(row.getString("path"), row.getString("sha256")))
                .list();
        assertThat(sql.sql("select job_id from artifact").query(UUID.class).list())
                .as("exactly one artifact each")
                .containsExactlyInAnyOrderElementsOf(succeeded);
        actual.forEach(
                (job, files) -> assertThat(files).as("artifact of %s", job).isEqualTo(expected.get(job)));
        sql.sql("select distinct b.sha256, b.size from blob b join artifact_file f using (sha256)")
                .query((row, number) -> new BlobId(row.getString("sha256"), row.getLong("size")))
                .list()
                .forEach(blob -> requireBytes(blob, blobs));
    }

    private static void requireBytes(BlobId blob, BlobStore blobs) {
        try (InputStream content = blobs.open(blob)) {
            assertThat(ReversingEngine.sha256(content.readAllBytes()))
                    .as("stored bytes")
                    .isEqualTo(blob.sha256());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
