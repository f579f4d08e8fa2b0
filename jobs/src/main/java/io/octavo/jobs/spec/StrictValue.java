package io.octavo.jobs.spec;

import java.nio.charset.StandardCharsets;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.deser.std.StdDeserializer;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.util.ClassUtil;

/**
 * Reads one value as it stands: texts are texts, numbers are numbers. What is wrong in a spec is noted, and null takes its
 * place, so that the rest is read too; elsewhere it ends the reading.
 */
public class StrictValue<T> extends StdDeserializer<T> {

    /** Takes a value, or throws {@link IllegalArgumentException} with what it must be. */
    @FunctionalInterface
    public interface Reading<T> {
        T read(JsonParser json);
    }

    private final Reading<T> reading;

    public StrictValue(Class<T> type, Reading<T> reading) {
        super(type);
        this.reading = reading;
    }

    /** A text that the database can store, parsed further. */
    static <T> Reading<T> text(Function<String, T> parser) {
        return storable(text -> {
            require(!text.isBlank(), "must not be blank");
            return parser.apply(text);
        });
    }

    /** The same where it may be blank. */
    public static <T> Reading<T> storable(Function<String, T> parser) {
        return json -> {
            require(json.currentToken() == JsonToken.VALUE_STRING, "must be a string");
            String text = json.getString();
            require(isStorable(text), "must not contain NUL or broken Unicode");
            return parser.apply(text);
        };
    }

    /** Numbers and truths are not made of texts, of each other, or of numbers with a fraction. */
    public static SimpleModule addNumbers(SimpleModule values) {
        values.addDeserializer(Integer.class, new StrictValue<>(Integer.class, integer()));
        values.addDeserializer(int.class, new StrictValue<>(int.class, integer()));
        values.addDeserializer(Long.class, new StrictValue<>(Long.class, whole()));
        values.addDeserializer(long.class, new StrictValue<>(long.class, whole()));
        values.addDeserializer(Double.class, new StrictValue<>(Double.class, decimal()));
        values.addDeserializer(double.class, new StrictValue<>(double.class, decimal()));
        values.addDeserializer(Boolean.class, new StrictValue<>(Boolean.class, truth()));
        values.addDeserializer(boolean.class, new StrictValue<>(boolean.class, truth()));
        return values;
    }

    static Reading<Integer> integer() {
        return json -> {
            require(isWhole(json, JsonParser.NumberType.INT), "must be a whole number of 32 bits");
            return json.getIntValue();
        };
    }

    static Reading<Long> whole() {
        return json -> {
            boolean fits = isWhole(json, JsonParser.NumberType.INT) || isWhole(json, JsonParser.NumberType.LONG);
            require(fits, "must be a whole number of 64 bits");
            return json.getLongValue();
        };
    }

    private static boolean isWhole(JsonParser json, JsonParser.NumberType type) {
        return json.currentToken() == JsonToken.VALUE_NUMBER_INT && json.getNumberType() == type;
    }

    static Reading<Double> decimal() {
        return json -> {
            boolean number = json.currentToken() != null && json.currentToken().isNumeric();
            require(number && Double.isFinite(json.getDoubleValue()), "must be a number");
            return json.getDoubleValue();
        };
    }

    static Reading<Boolean> truth() {
        return json -> {
            require(json.currentToken() != null && json.currentToken().isBoolean(), "must be true or false");
            return json.getBooleanValue();
        };
    }

    /** The database takes neither in JSON. */
    static boolean isStorable(String text) {
        return text.indexOf('\0') < 0 && StandardCharsets.UTF_8.newEncoder().canEncode(text);
    }

    private static void require(boolean holds, String message) {
        if (!holds) {
            throw new IllegalArgumentException(message);
        }
    }

    @Override
    public @Nullable T deserialize(JsonParser json, DeserializationContext context) {
        try {
            return reading.read(json);
        } catch (IllegalArgumentException e) {
            if (!Faults.areNoted(context)) {
                return context.reportInputMismatch(this, "%s", String.valueOf(e.getMessage()));
            }
            Faults.of(context).note(json, String.valueOf(e.getMessage()));
            json.skipChildren();
            return getNullValue(context);
        }
    }

    /** Primitives have no null. */
    @Override
    @SuppressWarnings("unchecked") // the boxed value of a primitive T is one
    public @Nullable T getNullValue(DeserializationContext context) {
        return handledType().isPrimitive() ? (T) ClassUtil.defaultValue(handledType()) : null;
    }

    /** What is not there counts as null. */
    @Override
    public @Nullable Object getAbsentValue(DeserializationContext context) {
        return getNullValue(context);
    }
}
