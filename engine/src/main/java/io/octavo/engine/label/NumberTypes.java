package io.octavo.engine.label;

import java.util.List;
import tools.jackson.databind.JsonNode;

/** The number type that a model computes in, as its config names it. */
final class NumberTypes {

    static final int DEFAULT_BITS = 16;

    private NumberTypes() {}

    /** Newer configs say {@code dtype}, older ones {@code torch_dtype}, multimodal ones have it in {@code text_config}. */
    static String of(JsonNode config) {
        for (JsonNode owner : List.of(config, config.path("text_config"))) {
            for (String member : List.of("dtype", "torch_dtype")) {
                switch (owner.path(member).asString("")) {
                    case "bfloat16" -> {
                        return "BF16";
                    }
                    case "float16" -> {
                        return "F16";
                    }
                    case "float32" -> {
                        return "F32";
                    }
                    default -> {
                        // Not said here.
                    }
                }
            }
        }
        return "unquantized";
    }

    static int bits(String type) {
        return type.equals("F32") ? 32 : DEFAULT_BITS;
    }
}
