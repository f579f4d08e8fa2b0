package io.octavo.api.openapi;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import com.fasterxml.jackson.databind.type.TypeFactory;
import io.octavo.jobs.spec.OneOf;
import io.octavo.jobs.spec.StatedNumber;
import io.swagger.v3.core.converter.AnnotatedType;
import io.swagger.v3.core.converter.ModelConverter;
import io.swagger.v3.core.converter.ModelConverterContext;
import io.swagger.v3.core.util.AnnotationsUtils;
import io.swagger.v3.oas.models.media.Schema;
import jakarta.validation.Constraint;
import jakarta.validation.constraints.NotEmpty;
import jakarta.validation.constraints.NotNull;
import java.lang.annotation.Annotation;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import tools.jackson.databind.annotation.JsonDeserialize;
import tools.jackson.databind.annotation.JsonSerialize;

/**
 * Says what the generator does not tell of records. Of one that answers, each member is there unless it may be null. Of
 * one that is sent, which carries constraints, those must be there that are asked for, and no others may be. An
 * interface with named types is one of them.
 */
@Component
class RecordSchemas implements ModelConverter {

    private static final String NULL = "null";
    private static final String TYPE = "type";

    @Override
    @SuppressWarnings("rawtypes") // as the library takes choices
    public @Nullable Schema<?> resolve(
            AnnotatedType type, ModelConverterContext context, Iterator<ModelConverter> chain) {
        Class<?> raw =
                TypeFactory.defaultInstance().constructType(type.getType()).getRawClass();
        JsonSubTypes choices = raw.getAnnotation(JsonSubTypes.class);
        if (choices != null) {
            return new Schema<Object>()
                    .oneOf(Stream.of(choices.value())
                            .<Schema>map(
                                    choice -> context.resolve(new AnnotatedType(choice.value()).resolveAsRef(true)))
                            .toList());
        }
        Schema<?> schema = chain.hasNext() ? chain.next().resolve(type, context, chain) : null;
        if (schema != null && raw.isRecord()) {
            Schema<?> model = schema.get$ref() == null ? schema : defined(schema.get$ref(), context);
            if (model != null && model.getProperties() != null) {
                complete(model, raw);
            }
        }
        return schema;
    }

    private static @Nullable Schema<?> defined(String reference, ModelConverterContext context) {
        return context.getDefinedModels().get(reference.substring(reference.lastIndexOf('/') + 1));
    }

    @SuppressWarnings("rawtypes") // as the library hands out its properties
    private static void complete(Schema<?> model, Class<?> type) {
        Map<String, Schema> members = model.getProperties();
        List<String> required = new ArrayList<>();
        describe(members, type);
        boolean sent = Stream.of(type.getRecordComponents()).anyMatch(RecordSchemas::isConstrained);
        for (RecordComponent component : type.getRecordComponents()) {
            String name = component.getName();
            Schema<?> member = members.get(name);
            if (member == null) {
                continue;
            }
            if (sent) {
                if (has(component, NotNull.class) || has(component, NotEmpty.class)) {
                    required.add(name);
                }
                if (isStated(component)) {
                    required.add(name);
                    members.put(name, nullable(member));
                }
            } else if (component.getAnnotatedType().isAnnotationPresent(Nullable.class)) {
                members.put(name, nullable(member));
            } else {
                required.add(name);
            }
        }
        if (sent) {
            typeName(type).ifPresent(name -> {
                model.addProperty(TYPE, choice(name));
                required.add(TYPE);
            });
            model.setDiscriminator(null);
            model.setAdditionalProperties(false);
        }
        model.setRequired(required);
    }

    /** What annotations say that the generator passes over, of the record and of what is unwrapped in it. */
    @SuppressWarnings("rawtypes") // as the library hands out its properties
    private static void describe(Map<String, Schema> members, Class<?> type) {
        for (RecordComponent component : type.getRecordComponents()) {
            Method accessor = component.getAccessor();
            if (has(component, JsonUnwrapped.class)) {
                describe(members, component.getType());
                continue;
            }
            JsonProperty renamed = accessor.getAnnotation(JsonProperty.class);
            String name = renamed == null ? component.getName() : renamed.value();
            OneOf allowed = accessor.getAnnotation(OneOf.class);
            if (allowed != null) {
                members.replace(name, choice(allowed.value()));
            }
            if (has(component, JsonSerialize.class)) {
                members.replace(name, PlainSchemas.of("string")); // a number that is a text in JSON
            }
            JsonPropertyDescription description = accessor.getAnnotation(JsonPropertyDescription.class);
            if (description != null) {
                members.computeIfPresent(
                        name,
                        (_, member) -> AnnotationsUtils.clone(member, true).description(description.value()));
            }
        }
    }

    private static boolean has(RecordComponent component, Class<? extends Annotation> annotation) {
        return component.getAccessor().isAnnotationPresent(annotation);
    }

    /** What must be said, if only as null. */
    private static boolean isStated(RecordComponent component) {
        JsonDeserialize read = component.getAccessor().getAnnotation(JsonDeserialize.class);
        return read != null && read.using() == StatedNumber.class;
    }

    private static boolean isConstrained(RecordComponent component) {
        return Stream.of(component.getAccessor().getAnnotations())
                .anyMatch(found -> found.annotationType().isAnnotationPresent(Constraint.class));
    }

    private static Optional<String> typeName(Class<?> type) {
        return Stream.of(type.getInterfaces())
                .flatMap(parent -> Stream.ofNullable(parent.getAnnotation(JsonSubTypes.class)))
                .flatMap(named -> Stream.of(named.value()))
                .filter(named -> named.value() == type)
                .map(JsonSubTypes.Type::name)
                .findFirst();
    }

    private static Schema<?> choice(String... values) {
        Schema<Object> schema = PlainSchemas.of("string");
        schema.setEnum(Arrays.stream(values)
                .filter(value -> !value.isEmpty())
                .<Object>map(value -> value)
                .toList());
        return schema;
    }

    private static Schema<?> nullable(Schema<?> member) {
        if (member.get$ref() != null) {
            return new Schema<Object>().anyOf(List.of(member, PlainSchemas.of(NULL)));
        }
        Set<String> types = member.getTypes() == null ? Set.of() : member.getTypes();
        if (!types.isEmpty() || member.getType() != null) {
            Set<String> both = new LinkedHashSet<>(types.isEmpty() ? Set.of(member.getType()) : types);
            both.add(NULL);
            member.setTypes(both);
        }
        return member;
    }
}
