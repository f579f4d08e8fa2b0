package io.octavo.api.openapi;

import io.swagger.v3.oas.models.media.Schema;
import java.util.Set;

/** Makes schemas that stand for no class. */
final class PlainSchemas {

    private PlainSchemas() {}

    static Schema<Object> of(String type) {
        Schema<Object> schema = new Schema<>();
        schema.setTypes(Set.of(type));
        schema.setType(type);
        return schema;
    }

    static Schema<?> text(String description) {
        return of("string").description(description);
    }

    static Schema<?> reference(String name) {
        return new Schema<Object>().$ref("#/components/schemas/" + name);
    }
}
