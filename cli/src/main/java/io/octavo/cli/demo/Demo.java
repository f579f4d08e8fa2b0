package io.octavo.cli.demo;

import io.octavo.cli.CommandFailedException;
import io.octavo.cli.JobProgress;
import io.octavo.cli.TransferProgress;
import io.octavo.cli.client.Artifact;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.client.Problem;
import io.octavo.cli.client.RetryPolicy;
import io.octavo.cli.command.UsageException;
import io.octavo.cli.terminal.LiveProgress;
import io.octavo.cli.transfer.RepositoryPull;
import io.octavo.cli.transfer.RepositoryPush;
import io.octavo.hub.RepositoryName;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import io.octavo.wire.RevisionView;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Takes a model through the whole service and reports what came of it. */
public final class Demo {

    private static final String NAMESPACE = "octavo";
    private static final Set<String> OURS = Set.of("type", "source", "scheme", "target");
    /** Why a model that was quantized all right may still be impossible to score. */
    private static final Set<String> NOT_SCORABLE = Set.of(
            "tokenizer-missing",
            "tokenizer-invalid",
            "architecture-missing",
            "architecture-unsupported",
            "quantization-unsupported");

    private final OctavoClient client;
    private final LiveProgress progress;

    public Demo(OctavoClient client, LiveProgress progress) {
        this.client = client;
        this.progress = progress;
    }

    /**
     * Looks at what can be looked at without a service.
     *
     * @throws UsageException if the model's folder or the recipe cannot be
     */
    public static void check(DemoOptions options) throws IOException {
        ModelFolder.open(options.model());
        for (String field : OURS) {
            if (options.recipe().has(field)) {
                throw new UsageException("--recipe: '" + field + "' is set by the demo itself");
            }
        }
    }

    /**
     * @throws UsageException if the model's folder, the scheme or the recipe cannot be
     * @throws CommandFailedException if a job failed
     */
    public DemoFacts run(DemoOptions options) throws IOException, InterruptedException {
        long started = System.nanoTime();
        check(options);
        ModelFolder model = ModelFolder.open(options.model());
        requireScheme(options.scheme());

        String source = push(model.path(), model.name(), "model");
        JobView quantized =
                runJob("quantize", quantizeSpec(options, source, targetName(model.name(), options.scheme())));
        JsonNode result = resultOf(quantized);
        Artifact artifact =
                client.artifact(UUID.fromString(result.path("artifactId").asString("")));
        JsonNode verification = client.verification(artifact.id());
        Path folder = pull(artifact, options.artifacts());

        Optional<String> skipped = model.notScorable();
        Optional<Comparison> comparison = Optional.empty();
        if (skipped.isEmpty()) {
            String data = push(options.data(), "books-eval", "data");
            JobView evaluated = runJob("evaluate", EvaluationSpec.of(artifact.uri(), source, data, model));
            skipped = notScorable(evaluated);
            comparison = skipped.isPresent() ? Optional.empty() : Optional.of(Comparison.of(resultOf(evaluated)));
        }
        return new DemoFacts(
                model.name(),
                options.scheme(),
                source,
                artifact.id().toString(),
                artifact.uri(),
                folder.toString(),
                artifact.label(),
                model.weightBits(),
                artifact.weightBits(),
                result.path("quantizedModules").asInt(0),
                result.path("inputBytes").asLong(0),
                result.path("outputBytes").asLong(0),
                result.path("seconds").asDouble(0),
                Math.max(
                        result.path("peakRssBytes").asLong(0),
                        comparison.map(Comparison::peakRssBytes).orElse(0L)),
                verification.path("passed").asBoolean(false),
                verification,
                comparison.orElse(null),
                skipped.orElse(null),
                (System.nanoTime() - started) / 1e9);
    }

    private String push(Path folder, String name, String what) throws IOException, InterruptedException {
        var repository = new RepositoryName(NAMESPACE, name);
        RevisionView revision = new RepositoryPush(client, new TransferProgress(progress, what))
                .push(folder, repository, "Demo: " + what);
        return "hub:" + repository + "@" + revision.id();
    }

    /** Downloads the artifact; every file must be the one that the job's own list names. */
    private Path pull(Artifact artifact, Path artifacts) throws IOException, InterruptedException {
        var repository = RepositoryName.parse(artifact.repository());
        Path folder = artifacts.resolve(repository.name()).toAbsolutePath().normalize();
        RevisionView pulled = new RepositoryPull(
                        client, RetryPolicy.DEFAULT, new TransferProgress(progress, "artifact"))
                .pull(repository, artifact.revision(), folder, RepositoryPull.Existing.REPLACE);
        if (!Set.copyOf(pulled.files()).equals(Set.copyOf(Objects.requireNonNullElse(artifact.files(), List.of())))) {
            throw new CommandFailedException(
                    "revision " + artifact.uri() + " does not hold the files of artifact " + artifact.id());
        }
        return folder;
    }

    private JobView runJob(String task, ObjectNode spec) throws InterruptedException {
        JobView job = client.submit(spec, Optional.empty());
        return client.follow(job.id(), new JobProgress(progress, task));
    }

    private static JsonNode resultOf(JobView job) {
        if (job.status() != JobStatus.SUCCEEDED || job.result() == null) {
            throw new CommandFailedException("the " + job.type() + " job " + job.id() + " ended as " + job.status()
                    + ": " + Problem.line(job.problem()));
        }
        return job.result();
    }

    private static Optional<String> notScorable(JobView evaluated) {
        boolean expected = evaluated.status() == JobStatus.FAILED
                && evaluated.problem() != null
                && NOT_SCORABLE.contains(evaluated.problem().code());
        return expected ? Optional.of(Problem.line(evaluated.problem())) : Optional.empty();
    }

    private void requireScheme(String scheme) throws InterruptedException {
        List<String> known = new ArrayList<>();
        client.schemes()
                .path("items")
                .forEach(item -> known.add(item.path("name").asString("")));
        if (!known.isEmpty() && !known.contains(scheme)) {
            throw new UsageException("--scheme: '" + scheme + "' is not known; there are " + String.join(", ", known));
        }
    }

    /** Makes the artifact anew unless the recipe says otherwise, so that a second demo in one home shows the work too. */
    private static ObjectNode quantizeSpec(DemoOptions options, String source, String target) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("reuse", false)
                .setAll(options.recipe())
                .put("type", "quantize")
                .put("source", source)
                .put("scheme", options.scheme())
                .put("target", NAMESPACE + "/" + target);
    }

    /** As publishers name their repositories: {@code books-5m-FP8-Dynamic}. */
    private static String targetName(String model, String scheme) {
        Stream<String> words = Arrays.stream(scheme.split("_", -1)).filter(word -> !word.isEmpty());
        return model + "-" + words.map(Demo::capitalized).collect(Collectors.joining("-"));
    }

    private static String capitalized(String word) {
        boolean letters = word.chars().allMatch(Character::isLetter);
        return letters ? word.charAt(0) + word.substring(1).toLowerCase(Locale.ROOT) : word;
    }
}
