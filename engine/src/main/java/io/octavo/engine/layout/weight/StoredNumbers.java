package io.octavo.engine.layout.weight;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.module.FusedExperts;
import io.octavo.engine.module.LoaderNames;
import io.octavo.engine.module.ModulePattern;
import io.octavo.engine.module.ModuleRole;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.number.DType;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;

/**
 * What a quantized checkpoint holds, seen as a whole: what a writer of another layout must be able to say.
 *
 * @param weights of every quantized module
 * @param inputs of the same modules
 * @param leftAlone Linear modules that keep their numbers, the output head always among them
 * @param scaleType the narrowest type, the model's own first, that holds every scale exactly
 * @param actOrder whether the groups of some module are no runs of consecutive input channels
 */
public record StoredNumbers(
        Quantization weights,
        Optional<Quantization> inputs,
        List<String> leftAlone,
        Optional<KvCacheScales> kvCache,
        DType scaleType,
        boolean actOrder) {

    private static final String OUTPUT_HEAD = "lm_head";

    public StoredNumbers {
        leftAlone = List.copyOf(leftAlone);
    }

    /**
     * Reads every scale and zero point.
     *
     * @throws io.octavo.engine.failure.QuantizationException {@code LAYOUT_UNSUITABLE} if modules are quantized differently
     */
    public static StoredNumbers of(Checkpoint checkpoint, QuantizedModules modules) {
        Collection<QuantizedLinear> linears = modules.byName().values();
        QuantizedLinear first = linears.iterator().next();
        Quantization weights = first.weight().quantization();
        for (QuantizedLinear linear : linears) {
            boolean alike = linear.weight().quantization().equals(weights)
                    && linear.inputs().equals(first.inputs());
            if (!alike) {
                throw ExactNumbers.unsuitable(
                        "modules are quantized differently, which compressed-tensors alone can say: "
                                + first.module() + " has weights " + weights + ", " + linear.module() + " has "
                                + linear.weight().quantization());
            }
        }
        boolean centred = linears.stream().map(QuantizedLinear::weight).allMatch(StoredNumbers::centred);
        return new StoredNumbers(
                centred ? weights.withoutZeroPoints() : weights,
                first.inputs(),
                leftAlone(checkpoint, modules),
                modules.kvCache(),
                scaleType(checkpoint, modules),
                linears.stream().anyMatch(linear -> linear.weight().groupIndex().isPresent()));
    }

    /** The same as a layout's config says it. */
    public Declaration declaration(Layout layout) {
        return new Declaration(
                layout,
                List.of(Declaration.Group.ofEveryLinear(layout.id(), weights, inputs, actOrder)),
                leftAlone.stream().<ModulePattern>map(ModulePattern.Exact::new).toList(),
                kvCache.map(KvCacheScales::quantization),
                List.of());
    }

    /**
     * Loaders of some layouts leave alone whatever has a listed name inside its own, such as {@code mlp.gate_proj} for
     * {@code mlp.gate}.
     *
     * @throws io.octavo.engine.failure.QuantizationException {@code LAYOUT_UNSUITABLE} if they would pass over this module
     */
    public void requireNotExcluded(String module, Layout layout) {
        leftAlone.stream().filter(module::contains).findFirst().ifPresent(name -> {
            throw ExactNumbers.unsuitable("module " + module + " is quantized and " + name
                    + " is not; loaders of layout " + layout.id() + " would leave both alone");
        });
    }

    /** Whether every zero point is zero, so that there is no need to store any. */
    private static boolean centred(QuantizedWeight weight) {
        if (weight.quantization().symmetric()) {
            return true;
        }
        for (byte zeroPoint : RowChunks.zeroPoints(weight)) {
            if (zeroPoint != 0) {
                return false;
            }
        }
        return true;
    }

    private static List<String> leftAlone(Checkpoint checkpoint, QuantizedModules modules) {
        var names = new TreeSet<String>(List.of(OUTPUT_HEAD));
        checkpoint.stored().forEach((name, stored) -> {
            String module = QuantizationParameters.module(name);
            boolean linear = QuantizationParameters.parameter(name).equals(QuantizationParameters.WEIGHT)
                    && ModuleRole.of(
                                    module,
                                    stored.info().shape(),
                                    checkpoint.config().tree())
                            .isLinear();
            if (linear && modules.find(module).isEmpty()) {
                names.add(module);
            }
            FusedExperts.of(name, stored.info().shape(), checkpoint.config().tree())
                    .ifPresent(experts -> experts.listed().stream()
                            .filter(listed -> !listed.startsWith(ModulePattern.REGEX_PREFIX))
                            .forEach(names::add));
        });
        if (modules.find(OUTPUT_HEAD).isPresent()) {
            names.remove(OUTPUT_HEAD);
        }
        return new LoaderNames(checkpoint.config().tree(), checkpoint.names()).spellings(List.copyOf(names));
    }

    private static DType scaleType(Checkpoint checkpoint, QuantizedModules modules) {
        var candidates = new ArrayList<DType>();
        candidates.add(modelType(checkpoint.config().tree()));
        candidates.add(DType.F16);
        candidates.add(DType.F32);
        modules.byName().values().forEach(linear -> {
            forEachScale(linear, scale -> candidates.removeIf(type -> !ExactNumbers.fits(scale, type)));
        });
        modules.kvCache()
                .ifPresent(cache -> cache.byLayer().values().forEach(layer -> {
                    layer.keys().forEach(scale -> candidates.removeIf(type -> !ExactNumbers.fits(scale, type)));
                    layer.values().forEach(scale -> candidates.removeIf(type -> !ExactNumbers.fits(scale, type)));
                }));
        return candidates.getFirst();
    }

    private interface ScaleVisitor {
        void visit(float scale);
    }

    private static void forEachScale(QuantizedLinear linear, ScaleVisitor visitor) {
        QuantizedWeight weight = linear.weight();
        linear.inputScale().ifPresent(scale -> visitor.visit(scale.scale()));
        if (weight.quantization().granularity() instanceof Granularity.PerTensor) {
            visitor.visit(RowChunks.tensorScale(weight));
            return;
        }
        for (float scale : RowChunks.scales(weight)) {
            visitor.visit(scale);
        }
    }

    private static DType modelType(JsonNode config) {
        String name = config.path("dtype").asString(config.path("torch_dtype").asString(""));
        return switch (name) {
            case "float16" -> DType.F16;
            case "float32" -> DType.F32;
            default -> DType.BF16;
        };
    }
}
