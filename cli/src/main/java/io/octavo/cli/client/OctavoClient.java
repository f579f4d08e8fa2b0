package io.octavo.cli.client;

import io.octavo.hub.RepositoryName;
import io.octavo.wire.JobView;
import io.octavo.wire.Page;
import io.octavo.wire.RepositoryFile;
import io.octavo.wire.RevisionView;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
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
    private static final String IDEMPOTENCY_KEY = "Idempotency-Key";
    private static final int LARGEST_PAGE = 500;
    private static final long SLOWEST_UPLOAD_BYTES_PER_SECOND = 1 << 20;

    /** From here on the service is asked before a file is sent: who refuses it hangs up, which can hide the answer. */
    private static final long ASKED_BEFORE_BYTES = 1 << 20;

    private final HttpExchange exchange;

    /**
     * @param server scheme, host and port
     * @param apiKey sent with every call as a bearer token
     */
    public OctavoClient(URI server, Optional<String> apiKey) {
        this(server, apiKey, Optional.empty());
    }

    /** @param trust the servers that are trusted, where they are not those of the JVM */
    public OctavoClient(URI server, Optional<String> apiKey, Optional<SSLContext> trust) {
        this(new HttpExchange(server, apiKey, trust, RetryPolicy.DEFAULT, Duration.ofSeconds(90)));
    }

    /**
     * @param longestSilence a body that brings nothing for so long counts as a broken connection
     */
    public OctavoClient(URI server, Optional<String> apiKey, RetryPolicy retries, Duration longestSilence) {
        this(new HttpExchange(server, apiKey, Optional.empty(), retries, longestSilence));
    }

    private OctavoClient(HttpExchange exchange) {
        this.exchange = exchange;
    }

    /** Submits a job. The service makes one job of it however often the network makes us ask. */
    public JobView submit(JsonNode spec, Optional<String> idempotencyKey) throws InterruptedException {
        return read(
                sending("POST", CallPath.of("jobs"), spec)
                        .header(IDEMPOTENCY_KEY, idempotencyKey.orElseGet(OctavoClient::freshKey)),
                new TypeReference<>() {});
    }

    /** What a job would do, without queueing it. */
    public JsonNode plan(JsonNode spec) throws InterruptedException {
        return read(sending("POST", CallPath.of("jobs").with("dryRun", true), spec), new TypeReference<>() {});
    }

    public JobView job(UUID id) throws InterruptedException {
        return read(request(CallPath.of("jobs", id)), new TypeReference<>() {});
    }

    /** @param path {@code jobs} with what they are chosen by */
    public Page<JobView> jobs(CallPath path, int limit) throws InterruptedException {
        return list(path, limit, new TypeReference<>() {});
    }

    /** @param change {@code cancel} or {@code retry} */
    public JobView change(UUID id, String change) throws InterruptedException {
        return WireJson.MAPPER.treeToValue(post(CallPath.of("jobs", id, change), null), JobView.class);
    }

    /**
     * Hands over every event of a job from its first on, and returns once the job has ended. A broken connection is taken
     * up again after the last event seen, so that none is missed or seen twice.
     */
    public JobView follow(UUID id, Consumer<JobEvent> listener) throws InterruptedException {
        new JobFollower(
                        exchange,
                        API + CallPath.of("jobs", id, "events").text(),
                        listener,
                        () -> job(id).status().isTerminal())
                .awaitEnd();
        return job(id);
    }

    /** The events there are by now; does not wait for the job's end. */
    public void events(UUID id, Consumer<JobEvent> listener) throws InterruptedException {
        for (JsonNode item :
                list(CallPath.of("jobs", id, "events"), Integer.MAX_VALUE).items()) {
            JobEvent.of(item.path("id").asLong(0), item.path("type").asString(""), item.path("data"))
                    .ifPresent(listener);
        }
    }

    /** @param path {@code artifacts} with what they are chosen by */
    public Page<Artifact> artifacts(CallPath path, int limit) throws InterruptedException {
        return list(path, limit, new TypeReference<>() {});
    }

    public Artifact artifact(UUID id) throws InterruptedException {
        return read(request(CallPath.of("artifacts", id)), new TypeReference<>() {});
    }

    /** The self-check of an artifact. */
    public JsonNode verification(UUID artifactId) throws InterruptedException {
        return get(CallPath.of("artifacts", artifactId, "report")).path("verification");
    }

    public JsonNode schemes() throws InterruptedException {
        return get(CallPath.of("schemes"));
    }

    /** What any other path shows. */
    public JsonNode get(CallPath path) throws InterruptedException {
        return read(request(path), new TypeReference<>() {});
    }

    /** The first items of any listing, at most {@code limit} of them, from as many of its pages as that takes. */
    public Page<JsonNode> list(CallPath path, int limit) throws InterruptedException {
        return list(path, limit, new TypeReference<>() {});
    }

    private <T> Page<T> list(CallPath path, int limit, TypeReference<Page<T>> type) throws InterruptedException {
        List<T> items = new ArrayList<>();
        String next = null;
        do {
            int wanted = Math.min(limit - items.size(), LARGEST_PAGE);
            Page<T> page = read(request(path.with("limit", wanted).with("cursor", next)), type);
            items.addAll(page.items());
            next = page.nextCursor();
        } while (next != null && items.size() < limit);
        return new Page<>(items, next);
    }

    /**
     * Makes or starts something, once however often the network makes us ask.
     *
     * @param body a record or a tree; null where the call takes none
     */
    public JsonNode post(CallPath path, @Nullable Object body) throws InterruptedException {
        return read(sending("POST", path, body).header(IDEMPOTENCY_KEY, freshKey()), new TypeReference<>() {});
    }

    /** @param body a record or a tree; null where the call takes none */
    public JsonNode put(CallPath path, @Nullable Object body) throws InterruptedException {
        return read(sending("PUT", path, body), new TypeReference<>() {});
    }

    public void delete(CallPath path) throws InterruptedException {
        exchange.text(request(path).DELETE().build());
    }

    /** Commits a list of files whose contents the service may already have. */
    public CommitOutcome commit(RepositoryName repository, String message, List<RepositoryFile> files)
            throws InterruptedException {
        Map<String, Object> body = Map.of("message", message, "files", files);
        try {
            return new CommitOutcome.Committed(
                    read(sending("POST", CallPath.of(repository, "revisions"), body), new TypeReference<>() {}));
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
                    return request(CallPath.of(repository, "files").along(file.path()))
                            .header("X-Content-SHA256", file.sha256())
                            .header("Content-Type", "application/octet-stream")
                            .expectContinue(file.size() >= ASKED_BEFORE_BYTES)
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
        return read(request(CallPath.of(repository, "revisions", revision)), new TypeReference<>() {});
    }

    /**
     * Opens a file of a revision from a byte on.
     *
     * @param offset first byte wanted
     */
    public Download open(RepositoryName repository, String revision, RepositoryFile file, long offset)
            throws InterruptedException {
        HttpRequest.Builder request =
                request(CallPath.of(repository, "files").along(file.path()).with("revision", revision));
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
            return WireJson.MAPPER.readValue(json.isEmpty() ? "null" : json, type); // of a 204
        } catch (JacksonException e) {
            throw new UnexpectedAnswerException(e.getOriginalMessage());
        }
    }

    private HttpRequest.Builder request(CallPath path) {
        return exchange.request(API + path.text());
    }

    private HttpRequest.Builder sending(String method, CallPath path, @Nullable Object body) {
        return body == null
                ? request(path).method(method, BodyPublishers.noBody())
                : request(path)
                        .header("Content-Type", "application/json")
                        .method(method, BodyPublishers.ofString(WireJson.MAPPER.writeValueAsString(body)));
    }

    private static String freshKey() {
        return UUID.randomUUID().toString();
    }

    private static HttpRequest.BodyPublisher contents(Path source) {
        try {
            return BodyPublishers.ofFile(source);
        } catch (FileNotFoundException e) {
            throw new UncheckedIOException(source + " cannot be read", e);
        }
    }

    @Override
    public void close() {
        exchange.close();
    }
}
