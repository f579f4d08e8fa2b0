package io.octavo.cli.client;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.octavo.wire.RepositoryFile;
import io.octavo.wire.RevisionView;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The REST contract in memory, as small as the tests need it, with faults on demand: a fault answers in place of the
 * service, once or always.
 */
public final class FakeService implements AutoCloseable {

    /** Answers a request in place of the service. */
    @FunctionalInterface
    public interface Answer {
        void to(HttpExchange exchange) throws IOException;
    }

    private record Fault(String method, String pathEnd, boolean always, AtomicBoolean unused, Answer answer) {
        boolean concerns(HttpExchange exchange) {
            return exchange.getRequestMethod().equals(method)
                    && exchange.getRequestURI().getPath().endsWith(pathEnd);
        }
    }

    public static final RetryPolicy FAST = new RetryPolicy(4, Duration.ofMillis(1), Duration.ofMillis(5));

    public final List<String> requests = new CopyOnWriteArrayList<>();
    public final Map<String, String> lastHeaders = new ConcurrentHashMap<>();
    public final Map<UUID, ObjectNode> jobs = new ConcurrentHashMap<>();
    public final Map<UUID, List<String>> events = new ConcurrentHashMap<>();
    public final Map<String, ObjectNode> artifacts = new ConcurrentHashMap<>();
    public final List<ObjectNode> submitted = new CopyOnWriteArrayList<>();

    private final Map<String, byte[]> blobs = new ConcurrentHashMap<>();
    private final Map<String, List<RepositoryFile>> revisions = new ConcurrentHashMap<>();
    private final List<Fault> faults = new CopyOnWriteArrayList<>();
    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private volatile Consumer<ObjectNode> worker = job -> {};

    public FakeService() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::handle);
        server.setExecutor(threads);
        server.start();
    }

    public URI uri() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    public OctavoClient client() {
        return new OctavoClient(uri(), Optional.empty(), FAST, Duration.ofSeconds(20));
    }

    /** The next request of this kind gets this answer. */
    public void once(String method, String pathEnd, Answer answer) {
        faults.add(new Fault(method, pathEnd, false, new AtomicBoolean(true), answer));
    }

    /** Every request of this kind gets this answer. */
    public void always(String method, String pathEnd, Answer answer) {
        faults.add(new Fault(method, pathEnd, true, new AtomicBoolean(true), answer));
    }

    /** What every job that is submitted shows as its steps. */
    public volatile ArrayNode steps = JsonNodeFactory.instance.arrayNode();

    /** Ends every job as it is submitted. */
    public void work(Consumer<ObjectNode> how) {
        worker = how;
    }

    public static void answer(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders()
                .add("Content-Type", status < 400 ? "application/json" : "application/problem+json");
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    public static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Makes a revision as if it had been pushed. */
    public String commit(String repository, Map<String, byte[]> files) {
        List<RepositoryFile> list = new ArrayList<>();
        files.forEach((path, bytes) -> {
            blobs.put(sha256(bytes), bytes);
            list.add(new RepositoryFile(path, bytes.length, sha256(bytes)));
        });
        return commit(repository, list);
    }

    /** Makes a revision of a list that may be hostile. */
    public String commit(String repository, List<RepositoryFile> list) {
        String id = sha256(list.toString().getBytes(StandardCharsets.UTF_8)).substring(0, 40);
        revisions.put(repository + "@" + id, list);
        revisions.put(repository + "@main", list);
        return id;
    }

    public List<RepositoryFile> files(String repository, String revision) {
        return revisions.getOrDefault(repository + "@" + revision, List.of());
    }

    public long count(String start) {
        return requests.stream().filter(line -> line.startsWith(start)).count();
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            requests.add(exchange.getRequestMethod() + " " + exchange.getRequestURI());
            exchange.getRequestHeaders().forEach((name, values) -> lastHeaders.put(name, values.getFirst()));
            fault(exchange).orElse(this::route).to(exchange);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private Optional<Answer> fault(HttpExchange exchange) {
        return faults.stream()
                .filter(fault -> fault.concerns(exchange))
                .filter(fault -> fault.always() || fault.unused().getAndSet(false))
                .findFirst()
                .map(Fault::answer);
    }

    private void route(HttpExchange exchange) throws IOException {
        String[] path =
                exchange.getRequestURI().getPath().replaceFirst("^/api/v1/", "").split("/", -1);
        String method = exchange.getRequestMethod();
        switch (method + " " + path[0]) {
            case "GET schemes" ->
                answer(exchange, 200, "{\"items\":[{\"name\":\"FP8_DYNAMIC\"},{\"name\":\"W8A16\"}]}");
            case "POST jobs" -> {
                if (path.length == 1) {
                    submit(exchange);
                } else {
                    cancel(exchange, UUID.fromString(path[1]));
                }
            }
            case "GET jobs" -> jobs(exchange, path);
            case "GET artifacts" -> artifact(exchange, path);
            case "PUT repositories" -> upload(exchange, path);
            case "POST repositories" -> commit(exchange, path[1] + "/" + path[2]);
            case "GET repositories" -> repository(exchange, path);
            default -> problem(exchange, 404, "not-found", "no such call");
        }
    }

    private void submit(HttpExchange exchange) throws IOException {
        var spec = (ObjectNode) WireJson.MAPPER.readTree(exchange.getRequestBody());
        submitted.add(spec);
        UUID id = UUID.randomUUID();
        ObjectNode job = JsonNodeFactory.instance
                .objectNode()
                .put("id", id.toString())
                .put("type", spec.path("type").asString(""))
                .put("status", "QUEUED")
                .put("progress", 0.0)
                .put("attempt", 1)
                .put("createdAt", "2026-01-01T00:00:00Z");
        job.set("spec", spec);
        job.set("steps", steps);
        jobs.put(id, job);
        String queued = job.toString();
        worker.accept(job);
        exchange.getResponseHeaders().add("Location", "/api/v1/jobs/" + id);
        answer(exchange, 202, queued);
    }

    private void cancel(HttpExchange exchange, UUID id) throws IOException {
        answer(
                exchange,
                200,
                jobs.getOrDefault(id, JsonNodeFactory.instance.objectNode())
                        .put("status", "CANCELLED")
                        .toString());
    }

    private void jobs(HttpExchange exchange, String[] path) throws IOException {
        if (path.length == 1) {
            answer(
                    exchange,
                    200,
                    "{\"items\":["
                            + String.join(
                                    ",",
                                    jobs.values().stream()
                                            .map(JsonNode::toString)
                                            .toList()) + "],\"nextCursor\":null}");
            return;
        }
        UUID id = UUID.fromString(path[1]);
        ObjectNode job = jobs.get(id);
        if (job == null) {
            problem(exchange, 404, "job-not-found", "job " + id + " does not exist");
        } else if (path.length == 2) {
            answer(exchange, 200, job.toString());
        } else {
            events(exchange, id, job);
        }
    }

    /** Each event is {@code type data}; its id is its place in the list. Without a list, there is one: the job's state. */
    private void events(HttpExchange exchange, UUID id, ObjectNode job) throws IOException {
        String after = exchange.getRequestHeaders().getFirst("Last-Event-ID");
        List<String> all = events.getOrDefault(
                id, List.of("state {\"status\":\"" + job.path("status").asString("") + "\",\"attempt\":1}"));
        StringBuilder text = new StringBuilder(": keep-alive\n\n");
        for (int i = after == null ? 0 : Integer.parseInt(after); i < all.size(); i++) {
            String[] parts = all.get(i).split(" ", 2);
            text.append("id: " + (i + 1) + "\nevent: " + parts[0] + "\ndata: " + parts[1] + "\n\n");
        }
        answer(exchange, 200, text.toString());
    }

    private void artifact(HttpExchange exchange, String[] path) throws IOException {
        ObjectNode artifact = artifacts.get(path[1]);
        if (artifact == null) {
            problem(exchange, 404, "artifact-not-found", "artifact " + path[1] + " does not exist");
        } else if (path.length == 3) {
            answer(exchange, 200, artifact.path("report").toString());
        } else {
            answer(exchange, 200, artifact.toString());
        }
    }

    private void upload(HttpExchange exchange, String[] path) throws IOException {
        byte[] bytes = exchange.getRequestBody().readAllBytes();
        blobs.put(sha256(bytes), bytes);
        answer(
                exchange,
                200,
                WireJson.MAPPER.writeValueAsString(new RepositoryFile(rest(path), bytes.length, sha256(bytes))));
    }

    private void commit(HttpExchange exchange, String repository) throws IOException {
        JsonNode body = WireJson.MAPPER.readTree(exchange.getRequestBody());
        List<RepositoryFile> files = new ArrayList<>();
        body.path("files").forEach(file -> files.add(WireJson.MAPPER.treeToValue(file, RepositoryFile.class)));
        var missing = new TreeSet<String>();
        files.stream()
                .map(RepositoryFile::sha256)
                .filter(hash -> !blobs.containsKey(hash))
                .forEach(missing::add);
        if (!missing.isEmpty()) {
            Map<String, Object> problem = new LinkedHashMap<>();
            problem.put("code", "blobs-missing");
            problem.put("detail", "some contents are not here");
            problem.put("missing", missing);
            answer(exchange, 422, WireJson.MAPPER.writeValueAsString(problem));
            return;
        }
        String id = commit(repository, files);
        answer(exchange, 201, WireJson.MAPPER.writeValueAsString(new RevisionView(id, Instant.EPOCH, "", files)));
    }

    private void repository(HttpExchange exchange, String[] path) throws IOException {
        String repository = path[1] + "/" + path[2];
        String query = String.valueOf(exchange.getRequestURI().getQuery());
        String revision = path[3].equals("revisions") ? path[4] : query.replace("revision=", "");
        List<RepositoryFile> files = revisions.get(repository + "@" + revision);
        if (files == null) {
            problem(exchange, 404, "revision-not-found", repository + " has no revision " + revision);
        } else if (path[3].equals("revisions")) {
            String id =
                    sha256(files.toString().getBytes(StandardCharsets.UTF_8)).substring(0, 40);
            answer(exchange, 200, WireJson.MAPPER.writeValueAsString(new RevisionView(id, Instant.EPOCH, "", files)));
        } else {
            RepositoryFile file = files.stream()
                    .filter(candidate -> candidate.path().equals(rest(path)))
                    .findFirst()
                    .orElseThrow();
            send(exchange, blobs.getOrDefault(file.sha256(), new byte[0]));
        }
    }

    private static void send(HttpExchange exchange, byte[] bytes) throws IOException {
        String range = exchange.getRequestHeaders().getFirst("Range");
        int from = range == null ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
        if (from > 0) {
            exchange.getResponseHeaders()
                    .add("Content-Range", "bytes " + from + "-" + (bytes.length - 1) + "/" + bytes.length);
        }
        byte[] part = Arrays.copyOfRange(bytes, from, bytes.length);
        exchange.sendResponseHeaders(from > 0 ? 206 : 200, part.length == 0 ? -1 : part.length);
        exchange.getResponseBody().write(part);
    }

    private static String rest(String[] path) {
        return String.join("/", Arrays.asList(path).subList(4, path.length));
    }

    public static void problem(HttpExchange exchange, int status, String code, String detail) throws IOException {
        answer(exchange, status, "{\"code\":\"" + code + "\",\"detail\":\"" + detail + "\"}");
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
