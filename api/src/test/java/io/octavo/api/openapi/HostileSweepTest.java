package io.octavo.api.openapi;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.api.TinyModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.logging.LogLevel;
import org.springframework.boot.logging.LoggingSystem;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Puts every hostile value into every place of every call that the service's own document tells of: each parameter, each
 * member of a body, the method, the head. No answer is a 5xx; each refusal is a problem with a code that docs/errors.md
 * explains; none takes long; the log stays free of stack traces, and the service answers afterwards.
 *
 * <p>A few values for each place, in turn, unless {@code -Doctavo.sweep.all=true}, which takes all of them; {@code
 * -Doctavo.sweep.seed=7} takes others.
 */
@Timeout(7200)
@TestPropertySource(properties = "octavo.api.pre-flight-timeout=2s")
@ExtendWith(OutputCaptureExtension.class)
class HostileSweepTest extends DocumentedService {

    private static final boolean ALL = Boolean.getBoolean("octavo.sweep.all");
    private static final long SEED = Long.getLong("octavo.sweep.seed", 1);
    private static final int EACH = 3;
    private static final int AT_ONCE = 4;
    private static final int VARIANTS = 6;
    private static final Duration SLOW = Duration.ofSeconds(10);
    private static final String HERE = "@hostile@";
    private static final Pattern DOUBLED = Pattern.compile("(?<![\\w'])([a-z]{3,})(?:[.:] ?| )\\1(?![\\w'])");
    private static final Path CATALOG = Path.of("../docs/errors.md");

    private final RandomGenerator random =
            RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
    private final Map<String, String> faults = new ConcurrentSkipListMap<>();
    private final Map<Integer, Integer> statuses = new ConcurrentSkipListMap<>();
    private final Semaphore free = new Semaphore(AT_ONCE);

    private String key = "";
    private String job = "";
    private String codes = "";

    /** @param place what is hostile in it, for people */
    private record Attack(String place, RawCall call) {}

    @Test
    void nothingHostileBreaksTheService(CapturedOutput log) throws Exception {
        LoggingSystem.get(getClass().getClassLoader()).setLogLevel("io.octavo", LogLevel.INFO);
        codes = Files.readString(CATALOG);
        JsonNode document = prepare();
        var schemas = new Schemas(document, random, List.of("a"));
        int count = 0;
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> running = new ArrayList<>();
            for (String path : document.get("paths").propertyNames()) {
                JsonNode item = document.get("paths").get(path);
                for (String method : item.propertyNames()) {
                    for (Attack attack : attacks(path, method.toUpperCase(Locale.ROOT), item.get(method), schemas)) {
                        count++;
                        free.acquire();
                        running.add(threads.submit(() -> run(attack)));
                    }
                }
            }
            for (Future<?> attack : running) {
                attack.get();
            }
        }
        System.out.println(count + " attacks, seed " + SEED + ", answers by status: " + statuses);
        assertThat(faults.values()).as("seed %d", SEED).isEmpty();
        assertThat(log.getAll()).doesNotContain("\tat ").doesNotContain(" ERROR ");
        assertThat(call("GET", "/api/v1/jobs?limit=1", "").status()).isEqualTo(200);
        assertThat(call("GET", "/actuator/health", "").status()).isEqualTo(200);
    }

    /** A key, a worker that offers a scheme, a model and a job; answers with the document. */
    private JsonNode prepare() throws Exception {
        key = newKey("sweep").text().reveal();
        String files = "/api/v1/repositories/a/b/files/";
        String config = put(files + "config.json", TinyModel.CONFIG.getBytes(UTF_8));
        String weights = put(files + "model.safetensors", TinyModel.weights("BF16"));
        assertThat(call("POST", "/api/v1/repositories/a/b/revisions", "{\"files\":[" + config + "," + weights + "]}")
                        .status())
                .isEqualTo(201);
        RawCall.Answer submitted = call("POST", "/api/v1/jobs", """
                {"type":"quantize","source":"hub:a/b","scheme":"FP8_DYNAMIC","target":"a/out"}""");
        assertThat(submitted.status()).as(submitted.body()).isEqualTo(202);
        job = json.readTree(submitted.body()).get("id").stringValue();
        return json.readTree(call("GET", "/v3/api-docs", "").body());
    }

    private String put(String target, byte[] content) throws Exception {
        return new RawCall("PUT", target, List.of("Authorization: Bearer " + key), content)
                .send(port)
                .body();
    }

    private RawCall.Answer call(String method, String target, String body) throws Exception {
        return request(method, target, List.of(), body).send(port);
    }

    private RawCall request(String method, String target, List<String> more, String body) {
        List<String> headers = new ArrayList<>(more);
        if (more.stream().noneMatch(line -> line.startsWith("Authorization:"))) {
            headers.add("Authorization: Bearer " + key);
        }
        if (!body.isEmpty() && more.stream().noneMatch(line -> line.startsWith("Content-Type:"))) {
            headers.add("Content-Type: application/json");
        }
        return new RawCall(method, target, headers, body.getBytes(UTF_8));
    }

    private List<Attack> attacks(String path, String method, JsonNode operation, Schemas schemas) {
        List<Attack> attacks = new ArrayList<>();
        String target = target(path, method, operation);
        JsonNode schema = operation
                .path("requestBody")
                .path("content")
                .path("application/json")
                .path("schema");
        Set<String> bodies = new LinkedHashSet<>();
        for (int variant = 0; !schema.isMissingNode() && variant < VARIANTS; variant++) {
            bodies.add(schemas.whole(schema, variant).toString());
        }
        String body = bodies.isEmpty() ? "" : bodies.iterator().next();
        for (JsonNode parameter : operation.path("parameters")) {
            String name = parameter.get("name").stringValue();
            switch (parameter.get("in").stringValue()) {
                case "path" ->
                    some(HostileValues.TEXTS, EACH * 3)
                            .forEach(text -> attacks.add(new Attack(
                                    name,
                                    request(method, target(path, method, operation, name, text), List.of(), body))));
                case "query" -> {
                    some(HostileValues.TEXTS, EACH * 3)
                            .forEach(text -> attacks.add(new Attack(
                                    name, request(method, target + "?" + name + "=" + text, List.of(), body))));
                    attacks.add(new Attack(
                            name + " twice",
                            request(method, target + "?" + name + "=1&" + name + "=2", List.of(), body)));
                }
                default -> {}
            }
        }
        some(HostileValues.TEXTS, EACH)
                .forEach(text -> attacks.add(
                        new Attack("an unknown parameter", request(method, target + "?x" + text, List.of(), body))));
        some(HostileValues.HEADERS, EACH * 4)
                .forEach(line -> attacks.add(new Attack("the head", request(method, target, List.of(line), body))));
        HostileValues.METHODS.stream()
                .filter(other -> !other.equals("DELETE") || method.equals("DELETE"))
                .forEach(other -> attacks.add(new Attack("the method", request(other, target, List.of(), ""))));
        if (!body.isEmpty()) {
            some(HostileValues.BODIES, EACH * 3)
                    .forEach(text -> attacks.add(new Attack(
                            "the body",
                            new RawCall(
                                    method,
                                    target,
                                    List.of("Authorization: Bearer " + key, "Content-Type: application/json"),
                                    text.getBytes(ISO_8859_1)))));
            some(HostileValues.TYPES, EACH)
                    .forEach(type -> attacks.add(
                            new Attack("the type", request(method, target, List.of("Content-Type: " + type), body))));
            bodies.forEach(whole -> members(method, target, whole, attacks));
        }
        return attacks;
    }

    private void members(String method, String target, String body, List<Attack> attacks) {
        for (String pointer : places(json.readTree(body), "")) {
            JsonNode spoiled = json.readTree(body);
            JsonNode value = spoiled.at(pointer);
            place(spoiled, pointer);
            String name = pointer.substring(pointer.lastIndexOf('/') + 1);
            List<String> fragments = new ArrayList<>(some(HostileValues.JSON, EACH));
            if (!name.matches("\\d+")) {
                fragments.add(value + ",\"" + name + "\":" + value); // the same member twice
                fragments.add(value + ",\"nobodyKnows\":1");
            }
            for (String fragment : fragments) {
                String text = spoiled.toString().replace('"' + HERE + '"', fragment);
                attacks.add(new Attack(pointer, request(method, target, List.of(), text)));
            }
        }
    }

    private static List<String> places(JsonNode value, String pointer) {
        List<String> places = new ArrayList<>();
        if (!pointer.isEmpty()) {
            places.add(pointer);
        }
        if (value.isObject()) {
            value.propertyNames().forEach(name -> places.addAll(places(value.get(name), pointer + "/" + name)));
        }
        for (int i = 0; value.isArray() && i < value.size(); i++) {
            places.addAll(places(value.get(i), pointer + "/" + i));
        }
        return places;
    }

    private static void place(JsonNode root, String pointer) {
        String name = pointer.substring(pointer.lastIndexOf('/') + 1);
        switch (root.at(pointer.substring(0, pointer.lastIndexOf('/')))) {
            case ObjectNode object -> object.put(name, HERE);
            case ArrayNode array -> array.set(Integer.parseInt(name), array.stringNode(HERE));
            default -> throw new IllegalArgumentException(pointer);
        }
    }

    /** As many of these, others each time; all of them in the long form. */
    private <T> List<T> some(List<T> values, int count) {
        if (ALL || count >= values.size()) {
            return values;
        }
        int start = random.nextInt(values.size());
        int step = values.size() / count;
        List<T> chosen = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            chosen.add(values.get((start + i * step) % values.size()));
        }
        return chosen;
    }

    private String target(String path, String method, JsonNode operation) {
        return target(path, method, operation, "", "");
    }

    /** What calls of this kind may meet, but for one parameter; what is deleted was never there. */
    private String target(String path, String method, JsonNode operation, String name, String text) {
        String target = path;
        for (JsonNode parameter : operation.path("parameters")) {
            String each = parameter.get("name").stringValue();
            String value = each.equals(name)
                    ? text
                    : switch (each) {
                        case "namespace" -> "a";
                        case "name" -> method.equals("DELETE") ? "gone" : "b";
                        case "path" -> "config.json";
                        case "revision" -> "main";
                        default ->
                            path.startsWith("/api/v1/jobs/") && !method.equals("DELETE")
                                    ? job
                                    : new UUID(1, 1).toString();
                    };
            target = target.replace("{" + each + "}", value);
        }
        return target;
    }

    private void run(Attack attack) {
        try {
            long started = System.nanoTime();
            RawCall.Answer answer = attack.call().send(port);
            statuses.merge(answer.status(), 1, Integer::sum);
            String fault = fault(attack.call(), answer, Duration.ofNanos(System.nanoTime() - started));
            if (fault != null) {
                tell(attack, fault + ": " + answer.status() + " " + shown(answer.body()));
            }
        } catch (Exception e) {
            tell(attack, "no answer: " + e);
        } finally {
            free.release();
        }
    }

    /** One of each kind. */
    private void tell(Attack attack, String fault) {
        RawCall call = attack.call();
        String target = call.target().replaceFirst("\\?.*", "");
        faults.putIfAbsent(
                call.method() + " " + target.replaceAll("[^/]{30,}", "*") + " " + attack.place() + " "
                        + fault.substring(0, Math.min(30, fault.length())),
                fault + "\n  of " + attack.place() + " in " + call.method() + " " + shown(call.target()) + " "
                        + shown(call.rest()));
    }

    private @Nullable String fault(RawCall call, RawCall.Answer answer, Duration took) {
        if (answer.status() >= 500) {
            return "a 5xx";
        }
        if (answer.status() == 0) {
            return "no answer";
        }
        if (took.compareTo(SLOW) > 0) {
            return "took " + took;
        }
        if (answer.body().contains("Exception")
                || answer.body().contains("\tat ")
                || answer.body().contains("Tomcat")) {
            return "tells of the inside";
        }
        if (answer.status() < 400 || call.method().equals("HEAD")) {
            return null;
        }
        if (!answer.type().startsWith("application/problem+json")) {
            return "no problem but " + answer.type();
        }
        try {
            JsonNode problem = json.readTree(answer.body());
            String code = problem.path("code").asString("");
            boolean told = !code.isEmpty() && codes.contains("`" + code + "`");
            boolean whole = problem.path("status").asInt() == answer.status()
                    && !problem.path("detail").asString("").isBlank();
            if (!told || !whole) {
                return "a problem without code, status or detail";
            }
            return stutters(problem) ? "a problem that says a name twice" : null;
        } catch (JacksonException e) {
            return "a problem that is no JSON";
        }
    }

    /** Such as {@code source source must}, {@code path: path has}, {@code timeout.timeout}. */
    private static boolean stutters(JsonNode problem) {
        return DOUBLED.matcher(problem.path("detail").asString("")).find()
                || problem.path("errors").valueStream().anyMatch(error -> {
                    String field = error.path("field").asString("");
                    String message = error.path("message").asString("");
                    return DOUBLED.matcher(field + " " + message).find();
                });
    }

    private static String shown(String text) {
        return text.length() > 300 ? text.substring(0, 300) + "... (" + text.length() + ")" : text;
    }
}
