package io.octavo.jobs.spec;

import io.octavo.hub.RepositoryName;
import io.octavo.jobs.problem.FieldError;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import jakarta.validation.ConstraintViolation;
import jakarta.validation.ElementKind;
import jakarta.validation.Path;
import jakarta.validation.Validation;
import jakarta.validation.Validator;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.KeyDeserializer;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.exc.UnrecognizedPropertyException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.ser.std.ToStringSerializer;

/** Reads specs strictly, and writes them so that equal specs have equal text. */
final class SpecJson {

    private static final Duration LONGEST = Duration.ofDays(30);
    private static final Validator VALIDATOR =
            Validation.buildDefaultValidatorFactory().getValidator();
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .addModule(values())
            .addHandler(new Faults.Handler())
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .disable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
            .build();

    private static final String UNWRAPPED = "scheduling";
    private static final String VALUE_OF_MAP = "<map value>";

    private SpecJson() {}

    private static SimpleModule values() {
        var values = new SimpleModule();
        values.addDeserializer(String.class, new StrictValue<>(String.class, StrictValue.text(Function.identity())));
        StrictValue.addNumbers(values);
        values.addDeserializer(Duration.class, new StrictValue<>(Duration.class, StrictValue.text(SpecJson::duration)));
        asText(values, SourceUri.class, SourceUri::parse);
        asText(values, DatasetReference.class, DatasetReference::parse);
        asText(values, RepositoryName.class, RepositoryName::parse);
        return values.addKeyDeserializer(String.class, new NameReader());
    }

    private static <T> void asText(SimpleModule values, Class<T> type, Function<String, T> parser) {
        values.addDeserializer(type, new StrictValue<>(type, StrictValue.text(parser)));
        values.addSerializer(type, new ToStringSerializer(type));
    }

    private static Duration duration(String text) {
        try {
            Duration duration = Duration.parse(text);
            if (duration.compareTo(Duration.ofSeconds(1)) >= 0 && duration.compareTo(LONGEST) <= 0) {
                return duration;
            }
        } catch (DateTimeParseException e) {
            // the message below says what is allowed
        }
        throw new IllegalArgumentException("must be an ISO 8601 duration from PT1S to PT720H: " + text);
    }

    /** Names of an object that is a map. */
    private static final class NameReader extends KeyDeserializer {
        @Override
        public Object deserializeKey(String name, DeserializationContext context) {
            if (name.isBlank() || !StrictValue.isStorable(name)) {
                Faults.of(context).note(context.getParser(), "must have a name that is neither blank nor broken");
            }
            return name;
        }
    }

    static ObjectNode write(JobSpec spec) {
        return MAPPER.valueToTree(spec);
    }

    /**
     * @param root where the JSON stands in the request; empty for the whole
     * @throws ProblemException {@code invalid-request} with every wrong member
     */
    static <T> T read(JsonNode json, String root, Class<T> type) {
        var faults = new Faults();
        if (!json.isObject()) {
            faults.note("", "must be an object");
        }
        T value = faults.isEmpty() ? bind(json, type, faults) : null;
        if (value != null && !faults.isFull()) {
            VALIDATOR.validate(value).stream()
                    .map(SpecJson::fault)
                    .sorted(Comparator.comparing(FieldError::field).thenComparing(FieldError::message))
                    .filter(fault -> !faults.tellsOf(fault.field()))
                    .forEach(fault -> faults.note(fault.field(), fault.message()));
        }
        if (faults.isEmpty() && value instanceof JobSpec spec) {
            spec.contradictions().forEach(fault -> faults.note(fault.field(), fault.message()));
        }
        throwIfAny(faults.below(root), faults.more());
        return Objects.requireNonNull(value);
    }

    private static <T> @Nullable T bind(JsonNode json, Class<T> type, Faults faults) {
        try {
            return MAPPER.readerFor(type).withAttribute(Faults.class, faults).readValue(typesFirst(json));
        } catch (UnrecognizedPropertyException e) {
            faults.note(place(e), "is not known here");
        } catch (JacksonException e) {
            faults.note(place(e), "is not what is expected here");
        }
        return null;
    }

    /**
     * The type decides how the rest is read; where it comes later, places of faults are lost. What the service wrote
     * has it first, and is not copied.
     */
    private static JsonNode typesFirst(JsonNode json) {
        if (areTypesFirst(json)) {
            return json;
        }
        if (json instanceof ArrayNode array) {
            return array.arrayNode()
                    .addAll(array.valueStream().map(SpecJson::typesFirst).toList());
        }
        if (!(json instanceof ObjectNode object)) {
            return json;
        }
        ObjectNode ordered = object.objectNode();
        if (object.has("type")) {
            ordered.set("type", object.get("type"));
        }
        object.forEachEntry((name, value) -> ordered.set(name, typesFirst(value)));
        return ordered;
    }

    private static boolean areTypesFirst(JsonNode json) {
        if (json instanceof ObjectNode object && object.has("type")) {
            String first = object.propertyStream().findFirst().orElseThrow().getKey();
            if (!first.equals("type")) {
                return false;
            }
        }
        return json.valueStream().allMatch(SpecJson::areTypesFirst);
    }

    private static String place(JacksonException failure) {
        var place = new StringBuilder();
        for (JacksonException.Reference step : failure.getPath()) {
            if (step.getPropertyName() == null) {
                place.append('[').append(step.getIndex()).append(']');
            } else {
                place.append(place.isEmpty() ? "" : ".").append(Faults.shorten(step.getPropertyName()));
            }
        }
        return place.toString();
    }

    /** What is unwrapped in JSON has no name in places. */
    private static FieldError fault(ConstraintViolation<?> violation) {
        var place = new StringBuilder();
        for (Path.Node node : violation.getPropertyPath()) {
            if (node.getIndex() != null) {
                place.append('[').append(node.getIndex()).append(']');
            }
            boolean named =
                    node.getKind() == ElementKind.PROPERTY && !node.getName().equals(UNWRAPPED);
            if (named || VALUE_OF_MAP.equals(node.getName())) {
                Object name = named ? node.getName() : node.getKey();
                place.append(place.isEmpty() ? "" : ".").append(Faults.shorten(String.valueOf(name)));
            }
        }
        return new FieldError(place.toString(), violation.getMessage());
    }

    static void throwIfAny(List<FieldError> errors) {
        throwIfAny(errors, 0);
    }

    private static void throwIfAny(List<FieldError> errors, int untold) {
        if (!errors.isEmpty()) {
            int more = errors.size() - 1 + untold;
            FieldError first = errors.getFirst();
            throw new ProblemException(
                    ProblemCode.INVALID_REQUEST,
                    first.field() + " " + first.message() + (more > 0 ? " (and " + more + " more)" : ""),
                    Map.of("errors", errors));
        }
    }

    /** A copy that keeps what is wrong, to be told. */
    static <T> List<T> list(@Nullable List<T> elements) {
        return elements == null ? List.of() : Collections.unmodifiableList(new ArrayList<>(elements));
    }

    /** A copy in the order of its names, so that equal maps have equal text. */
    static Map<String, String> map(@Nullable Map<String, String> members) {
        return members == null ? Map.of() : Collections.unmodifiableMap(new TreeMap<>(members));
    }
}
