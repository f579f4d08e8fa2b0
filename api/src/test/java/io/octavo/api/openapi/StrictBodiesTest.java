package io.octavo.api.openapi;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * No member of any body that the document tells of is made of a value of another type, and none but free texts takes
 * characters that hide what a name is: each is refused with 400 that names the member.
 */
@Timeout(300)
class StrictBodiesTest extends DocumentedService {

    private static final int VARIANTS = 6;
    private static final Set<String> FREE_TEXTS = Set.of("prompt");

    private static final Map<String, List<String>> OTHERS = Map.of(
            "integer", List.of("1.5", "1.0", "\"5\"", "true", "[1]", "1e400"),
            "number", List.of("\"1.5\"", "true", "\"NaN\"", "[1.5]"),
            "boolean", List.of("\"true\"", "1", "0", "\"\""),
            "string",
                    List.of(
                            "5",
                            "1.5",
                            "true",
                            "[\"a\"]",
                            "\"a\\u202eb\"",
                            "\"a\\u0007b\"",
                            "\"a\\u2028b\"",
                            "\"a\\u200bb\"",
                            "\"a\\u0085b\"",
                            "\"\\ud800\""));

    private String key = "";

    @BeforeEach
    void start() {
        key = newKey("strict").text().reveal();
    }

    private RawCall.Answer send(String method, String path, String body) throws Exception {
        return new RawCall(
                        method,
                        path,
                        List.of("Authorization: Bearer " + key, "Content-Type: application/json"),
                        body.getBytes(UTF_8))
                .send(port);
    }

    @Test
    void noMemberOfAnyBodyIsMadeOfAnotherType() throws Exception {
        JsonNode document = json.readTree(send("GET", "/v3/api-docs", "").body());
        var schemas = new Schemas(
                document, RandomGeneratorFactory.of("L64X128MixRandom").create(1), List.of("a"));
        List<String> faults = new ArrayList<>();
        int count = 0;
        for (String path : document.get("paths").propertyNames()) {
            JsonNode item = document.get("paths").get(path);
            for (String method : item.propertyNames()) {
                JsonNode schema = item.get(method).at("/requestBody/content/application~1json/schema");
                for (int variant = 0; !schema.isMissingNode() && variant < VARIANTS; variant++) {
                    String target = path.replace("{namespace}/{name}", "a/b")
                            .replaceAll("\\{[a-z]+}", new UUID(1, 1).toString());
                    JsonNode body = sound(schemas.whole(schema, variant));
                    for (String pointer : places(body, "")) {
                        String type = type(
                                schemas, schema, variant, pointer.substring(1).split("/"));
                        count += spoil(method.toUpperCase(Locale.ROOT), target, body.toString(), pointer, type, faults);
                    }
                }
            }
        }
        System.out.println(count + " members spoiled");
        assertThat(faults).isEmpty();
        assertThat(count).isGreaterThan(500);
    }

    private int spoil(String method, String target, String body, String pointer, String type, List<String> faults)
            throws Exception {
        String name = pointer.substring(pointer.lastIndexOf('/') + 1);
        if (FREE_TEXTS.contains(name)) {
            return 0;
        }
        List<String> others = Objects.requireNonNull(OTHERS.get(type));
        for (String other : others) {
            JsonNode spoiled = json.readTree(body);
            set(spoiled, pointer, "@here@");
            RawCall.Answer answer = send(method, target, spoiled.toString().replace("\"@here@\"", other));
            String place = pointer.substring(1).replaceAll("/(\\d+)", "[$1]").replace('/', '.');
            boolean named = answer.status() == 400
                    && (name.equals("type")
                            || json.readTree(answer.body())
                                    .path("errors")
                                    .valueStream()
                                    .map(error -> error.path("field").asString(""))
                                    .anyMatch(field -> field.equals(place) || field.startsWith(place + ".")));
            if (!named) {
                faults.add(method + " " + target + " " + place + "=" + other + ": " + answer.status() + " "
                        + answer.body());
            }
        }
        return others.size();
    }

    /** As the document says it of the place. */
    private static String type(Schemas schemas, JsonNode schema, int variant, String[] names) {
        JsonNode at = chosen(schemas, schema, variant);
        for (String name : names) {
            JsonNode below = name.matches("\\d+")
                    ? at.path("items")
                    : at.path("properties").path(name);
            at = chosen(schemas, below, variant);
        }
        JsonNode type = at.path("type").isArray() ? at.path("type").get(0) : at.path("type");
        return OTHERS.containsKey(type.asString("string")) ? type.asString("string") : "string";
    }

    private static JsonNode chosen(Schemas schemas, JsonNode schema, int variant) {
        JsonNode resolved = schemas.resolve(schema);
        JsonNode choices = resolved.path("oneOf");
        return choices.isArray() ? schemas.resolve(choices.get(variant % choices.size())) : resolved;
    }

    /** Nothing else is to be wrong with it, where reading goes on in steps. */
    private static JsonNode sound(JsonNode value) {
        if (value instanceof ObjectNode object) {
            for (String name : List.of("dataset", "baseline")) {
                if (object.path(name).isString()) {
                    object.put(name, "hub:a/b");
                }
            }
            if (object.has("schemes")) {
                object.remove(List.of("budget", "modifiers", "overrides")); // they are those of the job of one scheme
            }
            if (object.path("tenant").isString()) {
                object.put("tenant", new UUID(1, 1).toString());
            }
            if (object.has("dampening")) {
                object.put("dampening", 0.01);
            }
        }
        value.forEach(StrictBodiesTest::sound);
        return value;
    }

    /** Of values that hold no others. */
    private static List<String> places(JsonNode value, String pointer) {
        List<String> places = new ArrayList<>();
        if (value.isValueNode() && !pointer.isEmpty()) {
            places.add(pointer);
        }
        value.forEachEntry((name, member) -> places.addAll(places(member, pointer + "/" + name)));
        for (int i = 0; value.isArray() && i < value.size(); i++) {
            places.addAll(places(value.get(i), pointer + "/" + i));
        }
        return places;
    }

    private static void set(JsonNode root, String pointer, String text) {
        String name = pointer.substring(pointer.lastIndexOf('/') + 1);
        switch (root.at(pointer.substring(0, pointer.lastIndexOf('/')))) {
            case ObjectNode object -> object.put(name, text);
            case ArrayNode array -> array.set(Integer.parseInt(name), array.stringNode(text));
            default -> throw new IllegalArgumentException(pointer);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "PUT; /repositories/a/b/retention; {}; maxAgeDays must be there",
                "PUT; /repositories/a/b/retention; {'maxAgeDays':1.5}; maxAgeDays must be a whole number",
                "PUT; /repositories/a/b/retention; {'maxAgeDays':'5'}; maxAgeDays must be a whole number",
                "PUT; /tenants/00000000-0000-0001-0000-000000000001/quota; {}; maxBytes must be there",
                "POST; /keys; {'name':'a\\u202eb','scope':'read'}; name must not hold U+202E",
                "POST; /keys; {'name':'abc','scope':5}; scope must be a string",
                "POST; /keys; {'name':'k','scope':'read','tenant':'AAAAAAAAAAAAAAAAAAAAAA=='}; tenant must be a UUID"
            })
    void tellsWhichMemberMustBeWhat(String method, String path, String body, String told) throws Exception {
        RawCall.Answer answer = send(method, "/api/v1" + path, body.replace('\'', '"'));
        assertThat(answer.status()).as(answer.body()).isEqualTo(400);
        JsonNode error = json.readTree(answer.body()).at("/errors/0");
        assertThat(error.get("field").stringValue() + " " + error.get("message").stringValue())
                .startsWith(told);
    }

    @Test
    void tellsWhereTheCharacterStandsAndTakesMessagesOfSeveralLines() throws Exception {
        RawCall.Answer answer = send("POST", "/api/v1/keys", "{\"name\":\"\uD83D\uDE00b\\u2066\",\"scope\":\"read\"}");
        assertThat(json.readTree(answer.body()).at("/errors/0/message").stringValue())
                .isEqualTo("must not hold U+2066, a control or format character, as its character 3");
        String labels = "{\"type\":\"evaluate\",\"source\":\"hub:a/b\",\"labels\":{\"team\":\"a\\u200fb\"},"
                + "\"tasks\":[{\"type\":\"generation\",\"prompt\":\"a\\u200fb\\n\"}]}";
        JsonNode refusal = json.readTree(send("POST", "/api/v1/jobs", labels).body());
        assertThat(refusal.at("/errors")).hasSize(1);
        assertThat(refusal.at("/errors/0/field").stringValue()).isEqualTo("labels.team");
        String named = labels.replace("team", "te\\u200fam").replace("a\\u200fb", "ab");
        assertThat(json.readTree(send("POST", "/api/v1/jobs", named).body())
                        .at("/errors/0/field")
                        .stringValue())
                .isEqualTo("labels");
        String file = send("PUT", "/api/v1/repositories/a/lines/files/f", "1").body();
        String commit = "{\"message\":\"one\\n\\ttwo\\r\\n\",\"files\":[" + file + "]}";
        assertThat(send("POST", "/api/v1/repositories/a/lines/revisions", commit)
                        .status())
                .isEqualTo(201);
    }
}
