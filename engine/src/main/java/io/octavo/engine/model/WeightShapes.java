package io.octavo.engine.model;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * Weights whose shape contradicts config.json. Loaders size a quantized module by what is stored: it loads without a word, and
 * fails when it is run. Of architectures that are known every shape follows from the config.
 */
public final class WeightShapes {

    private WeightShapes() {}

    /**
     * @param config the root of config.json
     * @param stored shape of a module's weight, as it is without quantization; empty where there is none
     * @return the first that contradicts, for people; empty where none does, or the architecture is not known
     */
    public static Optional<String> contradiction(JsonNode config, Function<String, Optional<List<Long>>> stored) {
        return Architectures.find(config).flatMap(spec -> first(spec, stored));
    }

    /** @throws QuantizationException {@code CHECKPOINT_SHAPE_MISMATCH} with the first {@link #contradiction} */
    public static void require(JsonNode config, Function<String, Optional<List<Long>>> stored) {
        contradiction(config, stored).ifPresent(what -> {
            throw new QuantizationException(ErrorCode.CHECKPOINT_SHAPE_MISMATCH, what);
        });
    }

    private static Optional<String> first(ModelSpec spec, Function<String, Optional<List<Long>>> stored) {
        var required = new RequiredModules(spec);
        return Stream.of(required.besideLayers(true), Stream.of(required.head()), required.inLayers())
                .flatMap(Function.identity())
                .flatMap(weight -> stored
                        .apply(weight.module())
                        .filter(shape -> !shape.equals(weight.shape()))
                        .map(shape -> "tensor " + weight.module() + ".weight has shape " + shape
                                + ", config.json asks for " + weight.shape())
                        .stream())
                .findFirst();
    }
}
