package io.octavo.api.openapi;

import com.fasterxml.jackson.databind.type.TypeFactory;
import io.swagger.v3.core.converter.AnnotatedType;
import io.swagger.v3.core.converter.ModelConverter;
import io.swagger.v3.core.converter.ModelConverterContext;
import io.swagger.v3.oas.models.media.Schema;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Says of each member of a record that it is there, unless it may be null. */
@Component
class NullsOfRecords implements ModelConverter {

    private static final String NULL = "null";

    @Override
    public @Nullable Schema<?> resolve(
            AnnotatedType type, ModelConverterContext context, Iterator<ModelConverter> chain) {
        Schema<?> schema = chain.hasNext() ? chain.next().resolve(type, context, chain) : null;
        Class<?> raw =
                TypeFactory.defaultInstance().constructType(type.getType()).getRawClass();
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
        for (RecordComponent component : type.getRecordComponents()) {
            String name = component.getName();
            Schema<?> member = members.get(name);
            if (member == null) {
                continue;
            }
            if (component.getAnnotatedType().isAnnotationPresent(Nullable.class)) {
                members.put(name, nullable(member));
            } else {
                required.add(name);
            }
        }
        model.setRequired(required);
    }

    private static Schema<?> nullable(Schema<?> member) {
        if (member.get$ref() != null) {
            return new Schema<Object>().anyOf(List.of(member, JobRequestSchema.of(NULL)));
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
