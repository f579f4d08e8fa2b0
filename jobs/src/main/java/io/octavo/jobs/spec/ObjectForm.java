package io.octavo.jobs.spec;

import java.util.Collection;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.BeanProperty;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.jsontype.NamedType;
import tools.jackson.databind.jsontype.TypeDeserializer;
import tools.jackson.databind.jsontype.impl.AsPropertyTypeDeserializer;
import tools.jackson.databind.jsontype.impl.StdTypeResolverBuilder;

/** What has a {@code type} is an object: the library would read {@code ["gptq", {}]} as one, too. */
final class ObjectForm extends StdTypeResolverBuilder {

    @Override
    public @Nullable TypeDeserializer buildTypeDeserializer(
            DeserializationContext context, JavaType base, Collection<NamedType> subtypes) {
        return super.buildTypeDeserializer(context, base, subtypes) instanceof AsPropertyTypeDeserializer usual
                ? new Reader(usual, null)
                : null;
    }

    private static final class Reader extends AsPropertyTypeDeserializer {

        Reader(AsPropertyTypeDeserializer usual, @Nullable BeanProperty property) {
            super(usual, property);
        }

        @Override
        public TypeDeserializer forProperty(BeanProperty property) {
            return new Reader(this, property);
        }

        @Override
        public @Nullable Object deserializeTypedFromAny(JsonParser json, DeserializationContext context) {
            return deserializeTypedFromObject(json, context);
        }

        @Override
        public @Nullable Object deserializeTypedFromObject(JsonParser json, DeserializationContext context) {
            if (json.hasToken(JsonToken.START_ARRAY) || json.currentToken().isScalarValue()) {
                String types = String.join(", ", Faults.types(baseType().getRawClass()));
                Faults.of(context).note(json, "must be an object whose type is one of " + types);
                json.skipChildren();
                return null;
            }
            return super.deserializeTypedFromObject(json, context);
        }
    }
}
