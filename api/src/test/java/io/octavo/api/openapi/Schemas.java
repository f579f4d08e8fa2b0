package io.octavo.api.openapi;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.random.RandomGenerator;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Makes values of an OpenAPI document's schemas, and tells whether a value is one. */
final class Schemas {

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final int MAX_DEPTH = 8;

    /** Values that make a request one that is accepted, more often than chance would. */
    private static final Map<String, String> HINTS = Map.of(
            "source", "hub:a/b",
            "target", "a/out",
            "scheme", "FP8_DYNAMIC",
            "layout", "compressed-tensors",
            "scope", "read",
            "timeout", "PT1H",
            "phaseTimeout", "PT30M",
            "computeCapability", "9.0");

    private final JsonNode document;
    private final RandomGenerator random;
    private final List<String> known;

    /** Whether objects hold only what they must: with all that may be beside it, few requests are accepted. */
    private final boolean bare;

    /** @param known texts that mean something to the service, to draw from now and then */
    Schemas(JsonNode document, RandomGenerator random, List<String> known) {
        this.document = document;
        this.random = random;
        this.known = known;
        this.bare = random.nextInt(3) == 0;
    }

    JsonNode resolve(JsonNode schema) {
        JsonNode reference = schema.path("$ref");
        return reference.isString()
                ? resolve(document.at(reference.stringValue().substring(1)))
                : schema;
    }

    JsonNode draw(JsonNode unresolved) {
        return draw(resolve(unresolved), 0);
    }

    private JsonNode draw(JsonNode schema, int depth) {
        if (schema.has("oneOf")) {
            JsonNode choices = schema.get("oneOf");
            return draw(resolve(choices.get(random.nextInt(choices.size()))), depth);
        }
        if (schema.has("enum")) {
            JsonNode values = schema.get("enum");
            return values.get(random.nextInt(values.size()));
        }
        return switch (type(schema)) {
            case "object" -> object(schema, depth);
            case "array" -> array(schema, depth);
            case "integer" -> JSON.numberNode(whole(schema));
            case "number" -> JSON.numberNode(random.nextDouble());
            case "boolean" -> JSON.booleanNode(random.nextBoolean());
            default -> JSON.stringNode(text(schema));
        };
    }

    /**
     * A value with every member that there is.
     *
     * @param variant which of several choices is taken, and which of several values
     */
    JsonNode whole(JsonNode unresolved, int variant) {
        return whole(resolve(unresolved), variant, 0);
    }

    private JsonNode whole(JsonNode schema, int variant, int depth) {
        if (schema.has("oneOf")) {
            JsonNode choices = schema.get("oneOf");
            return whole(resolve(choices.get(variant % choices.size())), variant, depth);
        }
        if (schema.has("enum")) {
            return schema.get("enum").get(variant % schema.get("enum").size());
        }
        return switch (type(schema)) {
            case "object" -> {
                ObjectNode object = JSON.objectNode();
                schema.path("properties").propertyNames().forEach(name -> {
                    JsonNode member = resolve(schema.path("properties").get(name));
                    String hint = member.path("example").asString(HINTS.getOrDefault(name, ""));
                    if (!hint.isEmpty()) {
                        object.put(name, hint);
                    } else if (depth < MAX_DEPTH) {
                        object.set(name, whole(member, variant, depth + 1));
                    }
                });
                yield object;
            }
            case "array" -> {
                ArrayNode array = JSON.arrayNode();
                if (depth < MAX_DEPTH) {
                    array.add(whole(resolve(schema.path("items")), variant, depth + 1));
                }
                yield array;
            }
            case "integer", "number" -> JSON.numberNode(schema.path("minimum").asLong(1));
            case "boolean" -> JSON.booleanNode(variant % 2 == 0);
            default ->
                JSON.stringNode(schema.path("format").asString("").equals("date-time") ? "2031-01-01T00:00:00Z" : "a");
        };
    }

    private ObjectNode object(JsonNode schema, int depth) {
        ObjectNode object = JSON.objectNode();
        Set<String> required = texts(schema.path("required"));
        schema.path("properties").propertyNames().forEach(name -> {
            if (required.contains(name) || (!bare && depth < MAX_DEPTH && random.nextInt(3) == 0)) {
                JsonNode member = resolve(schema.path("properties").get(name));
                String hint = member.path("example").asString(HINTS.getOrDefault(name, ""));
                boolean hinted = !hint.isEmpty() && random.nextInt(8) != 0;
                object.set(name, hinted ? JSON.stringNode(hint) : draw(member, depth + 1));
            }
        });
        return object;
    }

    private ArrayNode array(JsonNode schema, int depth) {
        ArrayNode array = JSON.arrayNode();
        int count = depth < MAX_DEPTH ? random.nextInt(1, 4) : 0;
        for (int i = 0; i < count; i++) {
            array.add(draw(resolve(schema.path("items")), depth + 1));
        }
        return array;
    }

    private long whole(JsonNode schema) {
        long min = schema.path("minimum").asLong(0);
        long max = schema.path("maximum").asLong(1000);
        return switch (random.nextInt(4)) {
            case 0 -> min;
            case 1 -> max;
            default -> random.nextLong(min, max + 1);
        };
    }

    private String text(JsonNode schema) {
        return switch (schema.path("format").asString("")) {
            case "uuid" -> new UUID(random.nextLong(), random.nextLong()).toString();
            case "date-time" -> "2031-01-01T00:00:00Z";
            default ->
                random.nextInt(4) == 0
                        ? Integer.toString(random.nextInt(), 36).replace("-", "x")
                        : known.get(random.nextInt(known.size()));
        };
    }

    /** Replaces one place in a value by something that nobody expects there. */
    JsonNode spoil(JsonNode value) {
        if (value instanceof ObjectNode object && !object.isEmpty() && random.nextInt(5) != 0) {
            List<String> names = new ArrayList<>(object.propertyNames());
            String name = names.get(random.nextInt(names.size()));
            switch (random.nextInt(4)) {
                case 0 -> object.remove(name);
                case 1 -> object.set(hostileText(), object.get(name));
                default -> object.set(name, spoil(object.get(name)));
            }
            return object;
        }
        if (value instanceof ArrayNode array && !array.isEmpty() && random.nextBoolean()) {
            int place = random.nextInt(array.size());
            array.set(place, spoil(array.get(place)));
            return array;
        }
        return hostile();
    }

    private JsonNode hostile() {
        return switch (random.nextInt(9)) {
            case 0 -> JSON.nullNode();
            case 1 -> JSON.numberNode(-1);
            case 2 -> JSON.numberNode(1e308);
            case 3 -> JSON.numberNode(Long.MIN_VALUE);
            case 4 -> JSON.booleanNode(true);
            case 5 -> JSON.arrayNode().add(JSON.arrayNode().add(JSON.objectNode()));
            case 6 -> JSON.objectNode().put("$ref", "#/x");
            default -> JSON.stringNode(hostileText());
        };
    }

    String hostileText() {
        return switch (random.nextInt(14)) {
            case 0 -> "";
            case 1 -> " ";
            case 2 -> "x".repeat(random.nextInt(1, 5000));
            case 3 -> "../../etc/passwd";
            case 4 -> "'; drop table job; --";
            case 5 -> "\u0000";
            case 6 -> "\uD800";
            case 7 -> "\uFFFF\u202E\u0301";
            case 8 -> "%00%2e%2e%2f";
            case 9 -> "${jndi:ldap://127.0.0.1/x}";
            case 10 -> "-1";
            case 11 -> "99999999999999999999";
            case 12 -> "\r\nSet-Cookie: a=b";
            default -> "😀".repeat(random.nextInt(1, 100));
        };
    }

    /** What is wrong with a value; empty if nothing is. */
    List<String> problems(JsonNode unresolved, JsonNode value) {
        List<String> problems = new ArrayList<>();
        check(resolve(unresolved), value, "", problems);
        return problems;
    }

    private void check(JsonNode schema, JsonNode value, String place, List<String> problems) {
        if (value.isNull() && texts(schema.path("type")).contains("null")) {
            return;
        }
        for (String combination : List.of("oneOf", "anyOf")) {
            if (schema.has(combination)) {
                boolean fits = false;
                for (JsonNode choice : schema.get(combination)) {
                    fits |= problems(choice, value).isEmpty();
                }
                if (!fits) {
                    problems.add(place + " fits no choice: " + shown(value));
                }
                return;
            }
        }
        if (schema.has("enum") && !texts(schema.get("enum")).contains(value.asString(""))) {
            problems.add(place + " is none of " + schema.get("enum") + ": " + shown(value));
        }
        Set<String> types = texts(schema.path("type"));
        if (!types.isEmpty() && types.stream().noneMatch(type -> is(type, value))) {
            problems.add(place + " is no " + types + ": " + shown(value));
            return;
        }
        if (value.isObject()) {
            checkObject(schema, value, place, problems);
        } else if (value.isArray() && schema.has("items")) {
            value.forEach(element -> check(resolve(schema.get("items")), element, place + "[]", problems));
        }
    }

    private void checkObject(JsonNode schema, JsonNode value, String place, List<String> problems) {
        for (String name : texts(schema.path("required"))) {
            if (!value.has(name)) {
                problems.add(place + "." + name + " is missing");
            }
        }
        JsonNode members = schema.path("properties");
        if (members.isMissingNode()) {
            return;
        }
        for (String name : value.propertyNames()) {
            if (members.has(name)) {
                check(resolve(members.get(name)), value.get(name), place + "." + name, problems);
            }
        }
    }

    private static boolean is(String type, JsonNode value) {
        return switch (type) {
            case "object" -> value.isObject();
            case "array" -> value.isArray();
            case "string" -> value.isString();
            case "integer" -> value.isIntegralNumber();
            case "number" -> value.isNumber();
            case "boolean" -> value.isBoolean();
            case "null" -> value.isNull();
            default -> throw new IllegalArgumentException(type.toLowerCase(Locale.ROOT));
        };
    }

    private static String type(JsonNode schema) {
        return texts(schema.path("type")).stream()
                .filter(type -> !type.equals("null"))
                .findFirst()
                .orElse(schema.has("properties") ? "object" : "string");
    }

    private static Set<String> texts(JsonNode node) {
        Set<String> texts = new TreeSet<>();
        if (node.isString()) {
            texts.add(node.stringValue());
        }
        node.forEach(element -> texts.add(element.asString("")));
        return texts;
    }

    private static String shown(JsonNode value) {
        String text = value.toString();
        return text.length() > 200 ? text.substring(0, 200) + "..." : text;
    }
}
