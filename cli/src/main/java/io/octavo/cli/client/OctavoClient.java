package io.octavo.cli.client;

import io.octavo.hub.RepositoryName;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import io.octavo.wire.Page;
import io.octavo.wire.RepositoryFile;
import io.octavo.wire.RevisionView;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;

/**
 * The service's REST interface, one method a call.
 *
 * <p>Thread-safe. Every method throws {@link ProblemException} when the server refuses and {@link
 * ServerUnreachableException} when no answer comes after all tries.
 */
public final class OctavoClient implements AutoCloseable {

    private static final String API = "/api/v1";
    private static final long SLOWEST_UPLOAD_BYTES_PER_SECOND = 1 << 20;

    private final HttpExchange exchange;

    /**
     * @param server scheme, host and port
     * @param apiKey sent with every call as a bearer token
     */
    public OctavoClient(URI server, Optional<String> apiKey) {
        this(server, apiKey, RetryPolicy.DEFAULT, Duration.ofSeconds(90));
    }

    /**
     * @param longestSilence a body that brings nothing for so long counts as a broken connection
     */
    public OctavoClient(URI server, Optional<String> apiKey, RetryPolicy retries, Duration longestSilence) {
        this.exchange = new HttpExchange(server, apiKey, retries, longestSilence);
    }

    /** Submits a job. The service makes one job of it however often the network makes us ask. */
    public JobView submit(JsonNode spec, Optional<String> idempotencyKey) throws InterruptedException {
        String key = idempotencyKey.orElseGet(() -> UUID.randomUUID().toString());
        return read(post(API + "/jobs", spec).header("Idempotency-Key", key), new TypeReference<>() {});
    }

    /** What a job would do, without queueing it. */
    public JsonNode plan(JsonNode spec) throws InterruptedException {
        return read(post(API + "/jobs?dryRun=true", spec), new TypeReference<>() {});
    }

    public JobView job(UUID id) throws InterruptedException {
        return read(exchange.request(API + "/jobs/" + id), new TypeReference<>() {});
    }

    /** @param labels each {@code name:value}, all of which a job must have */
    public Page<JobView> jobs(Optional<JobStatus> status, Optional<String> type, List<String> labels, int limit)
            throws InterruptedException {
        String query = "?limit=" + limit
                + status.map(value -> "&status=" + value).orElse("")
                + type.map(value -> "&type=" + encode(value)).orElse("")
                + labels.stream().map(label -> "&label=" + encode(label)).collect(Collectors.joining());
        return read(exchange.request(API + "/jobs" + query), new TypeReference<>() {});
    }

    public JobView cancel(UUID id) throws InterruptedException {
        return read(
                exchange.request(API + "/jobs/" + id + "/cancel").POST(BodyPublishers.noBody()),
                new TypeReference<>() {});
    }

    /**
     * Hands over every event of a job from its first on, and returns once the job has ended. A broken connection is taken
     * up again after the last event seen, so that none is missed or seen twice.
     */
    public JobView follow(UUID id, Consumer<JobEvent> listener) throws InterruptedException {
        new JobFollower(
                        exchange,
                        API + "/jobs/" + id + "/events",
                        listener,
                        () -> job(id).status().isTerminal())
                .awaitEnd();
        return job(id);
    }

    /** The events there are by now; does not wait for the job's end. */
    public void events(UUID id, Consumer<JobEvent> listener) throws InterruptedException {
        String cursor = "";
        do {
            JsonNode page = read(
                    exchange.request(API + "/jobs/" + id + "/events?limit=200" + cursor),
                    new TypeReference<JsonNode>() {});
            for (JsonNode item : page.path("items")) {
                JobEvent.of(item.path("id").asLong(0), item.path("type").asString(""), item.path("data"))
                        .ifPresent(listener);
            }
            JsonNode next = page.path("nextCursor");
            cursor = next.isString() ? "&cursor=" + encode(next.stringValue()) : "";
        } while (!cursor.isEmpty());
    }

    public Page<Artifact> artifacts(int limit) throws InterruptedException {
        return read(exchange.request(API + "/artifacts?limit=" + limit), new TypeReference<>() {});
    }

    public Artifact artifact(UUID id) throws InterruptedException {
        return read(exchange.request(API + "/artifacts/" + id), new TypeReference<>() {});
    }

    /** The self-check of an artifact. */
    public JsonNode verification(UUID artifactId) throws InterruptedException {
        JsonNode report =
                read(exchange.request(API + "/artifacts/" + artifactId + "/report"), new TypeReference<>() {});
        return report.path("verification");
    }

    public JsonNode schemes() throws InterruptedException {
        return read(exchange.request(API + "/schemes"), new TypeReference<>() {});
    }

    /** Commits a list of files whose contents the service may already have. */
    public CommitOutcome commit(RepositoryName repository, String message, List<RepositoryFile> files)
            throws InterruptedException {
        JsonNode body = WireJson.MAPPER.valueToTree(Map.of("message", message, "files", files));
        try {
            return new CommitOutcome.Committed(
                    read(post(repositoryPath(repository) + "/revisions", body), new TypeReference<>() {}));
        } catch (ProblemException e) {
            if (!e.problem().code().equals("blobs-missing")) {
                throw e;
            }
            return new CommitOutcome.BlobsMissing(new HashSet<>(e.problem().texts("missing")));
        }
    }

    /**
     * Uploads one file's contents.
     *
     * @param progress receives the bytes sent since it was last called; negative when a try starts over
     * @return what the service stored: its own size and hash
     */
    public RepositoryFile upload(RepositoryName repository, RepositoryFile file, Path source, LongConsumer progress)
            throws InterruptedException {
        var counter = new UploadCounter(progress);
        return exchange.repeat(
                () -> {
                    counter.startOver();
                    return exchange.request(repositoryPath(repository) + "/files/" + encodePath(file.path()))
                            .header("X-Content-SHA256", file.sha256())
                            .header("Content-Type", "application/octet-stream")
                            .timeout(Duration.ofSeconds(120 + file.size() / SLOWEST_UPLOAD_BYTES_PER_SECOND))
                            .PUT(counter.count(contents(source)))
                            .build();
                },
                response -> parse(HttpExchange.wholeBody(response), new TypeReference<>() {}));
    }

    /**
     * @param revision a revision's id, or {@code main}
     */
    public RevisionView revision(RepositoryName repository, String revision) throws InterruptedException {
        return read(
                exchange.request(repositoryPath(repository) + "/revisions/" + encode(revision)),
                new TypeReference<>() {});
    }

    /**
     * Opens a file of a revision from a byte on.
     *
     * @param offset first byte wanted
     */
    public Download open(RepositoryName repository, String revision, RepositoryFile file, long offset)
            throws InterruptedException {
        HttpRequest.Builder request = exchange.request(
                repositoryPath(repository) + "/files/" + encodePath(file.path()) + "?revision=" + encode(revision));
        if (offset > 0) {
            request.header("Range", "bytes=" + offset + "-").header("If-Range", '"' + file.sha256() + '"');
        }
        HttpResponse<InputStream> response = exchange.open(request.build());
        return new Download(response.body(), startOf(response));
    }

    /**
     * The bytes of a file.
     *
     * @param body closed by the caller
     * @param start the first byte that the server really sends: 0 where it does not know ranges
     */
    public record Download(InputStream body, long start) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            body.close();
        }
    }

    private static long startOf(HttpResponse<?> response) {
        if (response.statusCode() != 206) {
            return 0;
        }
        String range = response.headers().firstValue("Content-Range").orElse("").toLowerCase(Locale.ROOT);
        int dash = range.indexOf('-');
        if (!range.startsWith("bytes ") || dash < 0) {
            throw new ProblemException(206, Problem.ofAnswer(206, ""));
        }
        try {
            return Long.parseLong(range, 6, dash, 10);
        } catch (NumberFormatException e) {
            throw new ProblemException(206, Problem.ofAnswer(206, ""));
        }
    }

    private <T> T read(HttpRequest.Builder request, TypeReference<T> type) throws InterruptedException {
        return parse(exchange.text(request.header("Accept", "application/json").build()), type);
    }

    private static <T> T parse(String json, TypeReference<T> type) {
        try {
            return WireJson.MAPPER.readValue(json, type);
        } catch (JacksonException e) {
            throw new UnexpectedAnswerException(e.getOriginalMessage());
        }
    }

    private HttpRequest.Builder post(String path, JsonNode body) {
        return exchange.request(path)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(WireJson.MAPPER.writeValueAsString(body)));
    }

    private static HttpRequest.BodyPublisher contents(Path source) {
        try {
            return BodyPublishers.ofFile(source);
        } catch (FileNotFoundException e) {
            throw new UncheckedIOException(source + " cannot be read", e);
        }
    }

    private static String repositoryPath(RepositoryName repository) {
        return API + "/repositories/" + repository;
    }

    private static String encodePath(String path) {
        return Arrays.stream(path.split("/", -1)).map(OctavoClient::encode).collect(Collectors.joining("/"));
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    @Override
    public void close() {
        exchange.close();
    }
}
