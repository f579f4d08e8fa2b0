package io.octavo.engine.label;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * What a {@code quantization_config} declares, whatever its {@code quant_method}.
 *
 * @param groups empty where nothing but the KV cache is quantized, or where the config is not understood
 * @param unknown why the config is not understood; empty where it is
 * @param warnings what loaders are known to stumble over
 */
record Declaration(
        List<DeclaredGroup> groups,
        Optional<DeclaredKvCache> kvCache,
        Optional<String> unknown,
        List<String> warnings) {

    Declaration {
        groups = List.copyOf(groups);
        warnings = List.copyOf(warnings);
    }

    /** A config that is not understood: its label says so instead of guessing. */
    static Declaration unknown(String reason) {
        return new Declaration(List.of(), Optional.empty(), Optional.of(reason), List.of());
    }

    static Declaration of(JsonNode config) {
        String method = LenientJson.text(config, "quant_method").orElse("").toLowerCase(Locale.ROOT);
        return switch (method) {
            case "compressed-tensors", "compressed_tensors" -> CompressedTensorsDeclaration.read(config);
            case "fp8" -> Fp8Declaration.read(config);
            case "awq" -> IntegerDeclaration.awq(config);
            case "gptq" -> IntegerDeclaration.gptq(config);
            case "modelopt", "modelopt_fp4", "modelopt_mixed", "modelopt_mxfp8" -> ModelOptDeclaration.read(config);
            // hf_quant_config.json has a producer in place of a quant_method.
            case "" ->
                config.path("quantization").has("quant_algo")
                        ? ModelOptDeclaration.read(config)
                        : unknown("without quant_method");
            default -> unknown(LenientJson.shown(config.path("quant_method")).replace("\"", ""));
        };
    }

    /** Collects what a reader finds. */
    static final class Builder {

        private final List<DeclaredGroup> groups = new ArrayList<>();
        private final List<String> warnings = new ArrayList<>();
        private Optional<DeclaredKvCache> kvCache = Optional.empty();

        Builder add(DeclaredGroup group) {
            groups.add(group);
            return this;
        }

        Builder warn(String warning) {
            warnings.add(warning);
            return this;
        }

        Builder kvCache(DeclaredKvCache cache) {
            kvCache = Optional.of(cache);
            return this;
        }

        Declaration build() {
            return new Declaration(groups, kvCache, Optional.empty(), warnings);
        }
    }
}
