package io.octavo.jobs.spec;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import io.octavo.jobs.problem.FieldError;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.TokenStreamContext;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.deser.DeserializationProblemHandler;
import tools.jackson.databind.deser.ValueInstantiator;
import tools.jackson.databind.jsontype.TypeIdResolver;

/** What is wrong with a request, by place, so that a client learns all of it at once; of very much, the first places. */
final class Faults {

    private static final int MAX_SHOWN = 64;
    static final int MOST = 64;

    private final Map<String, String> byPlace = new LinkedHashMap<>();
    private int more;

    static Faults of(DeserializationContext context) {
        return (Faults) Objects.requireNonNull(context.getAttribute(Faults.class));
    }

    static boolean areNoted(DeserializationContext context) {
        return context.getAttribute(Faults.class) != null;
    }

    /** The first message of a place stays. */
    void note(String place, String message) {
        String known = place.isEmpty() ? "body" : place;
        if (!isFull()) {
            byPlace.putIfAbsent(known, message);
        } else if (!byPlace.containsKey(known)) {
            more++;
        }
    }

    void note(JsonParser json, String message) {
        note(place(json.streamReadContext()), message);
    }

    /** Whether a fault of the place, or of what lies in it, is known. */
    boolean tellsOf(String place) {
        return byPlace.keySet().stream()
                .anyMatch(
                        known -> known.equals(place) || known.startsWith(place + ".") || known.startsWith(place + "["));
    }

    /** No further ones are kept, however many a request may have. */
    boolean isFull() {
        return byPlace.size() == MOST;
    }

    /** How many are not kept. */
    int more() {
        return more;
    }

    boolean isEmpty() {
        return byPlace.isEmpty();
    }

    List<FieldError> below(String root) {
        return byPlace.entrySet().stream()
                .map(fault -> new FieldError(fault.getKey(), fault.getValue()))
                .map(fault -> root.isEmpty() ? fault : fault.below(root))
                .toList();
    }

    static String place(@Nullable TokenStreamContext context) {
        List<String> segments = new ArrayList<>();
        for (TokenStreamContext at = context; at != null && !at.inRoot(); at = at.getParent()) {
            if (at.inObject() && at.currentName() != null) {
                segments.addFirst("." + shorten(at.currentName()));
            } else if (at.inArray() && at.hasCurrentIndex()) {
                segments.addFirst("[" + at.getCurrentIndex() + "]");
            }
        }
        String place = String.join("", segments);
        return place.startsWith(".") ? place.substring(1) : place;
    }

    static String shorten(String name) {
        return name.length() > MAX_SHOWN ? name.substring(0, MAX_SHOWN) + "..." : name;
    }

    /** What the {@code type} of such an object may be. */
    static List<String> types(Class<?> base) {
        return Stream.of(base.getAnnotation(JsonSubTypes.class).value())
                .map(JsonSubTypes.Type::name)
                .toList();
    }

    /** Notes what does not fit the records and reads on. */
    static final class Handler extends DeserializationProblemHandler {

        @Override
        public boolean handleUnknownProperty(
                DeserializationContext context,
                JsonParser json,
                ValueDeserializer<?> deserializer,
                Object beanOrClass,
                String name) {
            of(context).note(json, "is not known here");
            json.skipChildren();
            return true;
        }

        @Override
        public @Nullable Object handleUnexpectedToken(
                DeserializationContext context, JavaType type, JsonToken token, JsonParser json, String message) {
            return refuse(context, json, type);
        }

        @Override
        public @Nullable Object handleMissingInstantiator(
                DeserializationContext context,
                Class<?> type,
                ValueInstantiator instantiator,
                JsonParser json,
                String message) {
            return refuse(context, json, context.constructType(type));
        }

        private static @Nullable Object refuse(DeserializationContext context, JsonParser json, JavaType type) {
            of(context).note(json, type.isCollectionLikeType() ? "must be an array" : "must be an object");
            json.skipChildren();
            return null;
        }

        @Override
        public JavaType handleUnknownTypeId(
                DeserializationContext context, JavaType base, String id, TypeIdResolver resolver, String message) {
            return refuseType(context, base);
        }

        @Override
        public JavaType handleMissingTypeId(
                DeserializationContext context, JavaType base, TypeIdResolver resolver, String message) {
            return refuseType(context, base);
        }

        private static JavaType refuseType(DeserializationContext context, JavaType base) {
            String place = place(context.getParser().streamReadContext());
            of(context)
                    .note(
                            place.equals("type") || place.endsWith(".type")
                                    ? place
                                    : place + (place.isEmpty() ? "type" : ".type"),
                            "must be one of " + String.join(", ", types(base.getRawClass())));
            return context.constructType(Void.class);
        }
    }
}
