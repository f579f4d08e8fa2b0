package io.octavo.engine.label;

import static io.octavo.engine.label.LenientJson.shown;
import static io.octavo.engine.label.LenientJson.text;

import io.octavo.engine.label.DeclaredNumbers.Family;
import io.octavo.engine.scheme.Granularity;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** Reads {@code quant_method} {@code fp8}: AutoFP8's scales per tensor, or DeepSeek's per block. */
final class Fp8Declaration {

    private static final String NAME = "fp8";

    private Fp8Declaration() {}

    static Declaration read(JsonNode config) {
        var declared = new Declaration.Builder();
        String inputs = text(config, "activation_scheme").orElse("");
        if (!inputs.equals("static") && !inputs.equals("dynamic")) {
            return Declaration.unknown("fp8 with activation_scheme " + shown(config.path("activation_scheme")));
        }
        JsonNode blockSize = config.path("weight_block_size");
        if (blockSize.isMissingNode() || blockSize.isNull()) {
            perTensor(inputs, declared);
        } else {
            Optional<Granularity> block = CompressedTensorsDeclaration.block(blockSize);
            if (block.isEmpty() || inputs.equals("static")) {
                return Declaration.unknown(
                        "fp8 with weight_block_size " + shown(blockSize) + " and " + inputs + " inputs");
            }
            perBlock((Granularity.PerBlock) block.get(), declared);
        }
        // Loaders read the scales where they find them; the member only says that there are some.
        if (config.hasNonNull("kv_cache_scheme")) {
            declared.kvCache(DeclaredKvCache.FP8_PER_TENSOR);
            declared.warn("the KV cache is 16-bit and its scales are passed over unless the server starts with"
                    + " --kv-cache-dtype fp8");
        }
        return declared.build();
    }

    private static void perTensor(String activationScheme, Declaration.Builder declared) {
        DeclaredNumbers weights = DeclaredNumbers.stored(Family.FP8, 8, new Granularity.PerTensor());
        DeclaredNumbers inputs = activationScheme.equals("static")
                ? DeclaredNumbers.stored(Family.FP8, 8, new Granularity.PerTensor())
                : DeclaredNumbers.dynamic(Family.FP8, 8, new Granularity.PerToken());
        declared.add(DeclaredGroup.ofEveryLinear(NAME, weights, inputs, LoaderPath.FP8));
        declared.warn("transformers does not load fp8 with scales per tensor: it expects weight_scale_inv per block");
    }

    private static void perBlock(Granularity.PerBlock block, Declaration.Builder declared) {
        DeclaredNumbers weights = DeclaredNumbers.stored(Family.FP8, 8, block);
        DeclaredNumbers inputs = DeclaredNumbers.dynamic(Family.FP8, 8, new Granularity.PerGroup(block.columns()));
        declared.add(DeclaredGroup.ofEveryLinear(NAME, weights, inputs, LoaderPath.FP8_BLOCK));
    }
}
