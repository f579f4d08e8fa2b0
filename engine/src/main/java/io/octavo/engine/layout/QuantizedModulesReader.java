package io.octavo.engine.layout;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.DType;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Matches a config against the tensors of its checkpoint, module by module. */
final class QuantizedModulesReader {

    /** Tensors that a config which we understand never needs; to pass over them would be to misread the model. */
    private static final Set<String> FOREIGN_PARAMETERS = Set.of(
            "weight_packed",
            "weight_shape",
            "weight_zero_point",
            "weight_g_idx",
            "weight_global_scale",
            "weight_scale_inv",
            "weight_scale_2",
            "input_scale",
            "input_zero_point",
            "input_global_scale",
            "output_scale",
            "k_scale",
            "v_scale",
            "q_scale",
            "kv_scale",
            "qweight",
            "qzeros",
            "scales",
            "g_idx");

    private final Checkpoint checkpoint;
    private final CompressedTensorsConfig config;
    private final Set<String> usedScales = new HashSet<>();

    QuantizedModulesReader(Checkpoint checkpoint, CompressedTensorsConfig config) {
        this.checkpoint = checkpoint;
        this.config = config;
    }

    /** A checkpoint without quantization_config must not hold what only a quantized one holds. */
    static QuantizedModules requirePlain(Checkpoint checkpoint) {
        quantizedTensor(checkpoint).ifPresent(name -> {
            throw StrictObject.unsupported("there is none, yet the checkpoint has a tensor " + name);
        });
        return QuantizedModules.none();
    }

    static Optional<String> quantizedTensor(Checkpoint checkpoint) {
        return checkpoint.names().stream()
                .filter(name -> name.endsWith(CompressedTensors.WEIGHT_SCALE_SUFFIX)
                        || FOREIGN_PARAMETERS.contains(name.substring(name.lastIndexOf('.') + 1)))
                .findFirst();
    }

    QuantizedModules read() {
        requireExecutable();
        requireHeadIgnored();
        var modules = new LinkedHashMap<String, QuantizedLinear>();
        checkpoint.stored().forEach((name, stored) -> {
            if (name.endsWith(CompressedTensors.WEIGHT_SUFFIX)) {
                String module = name.substring(0, name.length() - CompressedTensors.WEIGHT_SUFFIX.length());
                readModule(module, stored.info()).ifPresent(linear -> modules.put(module, linear));
            }
        });
        requireNothingElse();
        requireTargetsFound(modules.keySet());
        if (modules.isEmpty()) {
            throw StrictObject.unsupported("it applies to no module of the checkpoint");
        }
        return new QuantizedModules(modules, Optional.empty());
    }

    private void requireExecutable() {
        for (CompressedTensorsConfig.Group group : config.groups()) {
            Quantization weights = group.weights();
            boolean weightsKnown = weights.type() == NumberType.FloatType.E4M3
                    && weights.symmetric()
                    && !weights.dynamic()
                    && (weights.granularity() instanceof Granularity.PerChannel
                            || weights.granularity() instanceof Granularity.PerTensor);
            boolean inputsKnown = group.inputs()
                    .map(inputs ->
                            inputs.equals(Quantization.dynamic(NumberType.FloatType.E4M3, new Granularity.PerToken())))
                    .orElse(true);
            if (!weightsKnown || !inputsKnown) {
                throw StrictObject.unsupported("config_groups." + group.name() + ": weights " + weights + ", inputs "
                        + group.inputs().map(Quantization::toString).orElse("none")
                        + " cannot be run; supported: stored E4M3 weights per channel or per tensor,"
                        + " dynamic E4M3 inputs per token or none");
            }
        }
    }

    /** Even where the head is tied to the embedding and not stored, loaders would create a quantized one. */
    private void requireHeadIgnored() {
        String head = "lm_head";
        boolean stored = checkpoint
                .find(head + CompressedTensors.WEIGHT_SUFFIX)
                .map(weight -> weight.dtype() == DType.F8_E4M3)
                .orElse(false);
        boolean targeted =
                config.groups().stream().anyMatch(group -> group.targetsEveryLinear() || group.targetsByName(head));
        if (targeted && !stored && !config.ignores(head)) {
            throw StrictObject.unsupported("its targets match lm_head, which is neither quantized nor in ignore");
        }
    }

    private Optional<QuantizedLinear> readModule(String module, TensorInfo weight) {
        Optional<CompressedTensorsConfig.Group> group = groupOf(module, weight);
        if (group.isEmpty()) {
            boolean plain = weight.dtype().isFloating() && weight.dtype().bytes() > 1;
            if (!plain && weight.shape().size() == 2) {
                throw StrictObject.unsupported(
                        "it leaves module " + module + " alone, yet the weight is stored as " + weight.dtype());
            }
            return Optional.empty();
        }
        if (weight.dtype() != DType.F8_E4M3 || weight.shape().size() != 2) {
            throw StrictObject.unsupported("it applies to module " + module + ", yet the weight is stored as "
                    + weight.dtype() + " " + weight.shape());
        }
        Tensor scale = checkpoint
                .find(module + CompressedTensors.WEIGHT_SCALE_SUFFIX)
                .orElseThrow(() -> StrictObject.unsupported(
                        "module " + module + " has no " + CompressedTensors.WEIGHT_SCALE_SUFFIX.substring(1)));
        Quantization weights = group.get().weights();
        ScaleGrid grid = grid(scale, weights.granularity(), weight.shape().getFirst());
        usedScales.add(scale.name());
        return Optional.of(new QuantizedLinear(
                module,
                new PlainWeight(checkpoint.tensor(weight.name()), weights, grid),
                group.get().inputs(),
                Optional.empty()));
    }

    private Optional<CompressedTensorsConfig.Group> groupOf(String module, TensorInfo weight) {
        if (config.ignores(module)) {
            return Optional.empty();
        }
        List<CompressedTensorsConfig.Group> named = config.groups().stream()
                .filter(group -> group.targetsByName(module))
                .toList();
        ConfigJson model = checkpoint.config();
        boolean linear = ModuleKind.of(module, weight.shape(), model) == ModuleKind.LINEAR
                || (ModuleKind.of(module, weight.shape(), model).isLinear() && weight.dtype() == DType.F8_E4M3);
        List<CompressedTensorsConfig.Group> matching = !named.isEmpty() || !linear
                ? named
                : config.groups().stream()
                        .filter(CompressedTensorsConfig.Group::targetsEveryLinear)
                        .toList();
        if (matching.size() > 1) {
            throw StrictObject.unsupported("several config_groups apply to module " + module);
        }
        return matching.stream().findFirst();
    }

    private static ScaleGrid grid(Tensor scale, Granularity granularity, long outFeatures) {
        boolean perTensor = granularity instanceof Granularity.PerTensor;
        boolean shaped = perTensor ? scale.hasShape(1) || scale.hasShape() : scale.hasShape(outFeatures, 1);
        boolean typed = scale.dtype() == DType.BF16 || scale.dtype() == DType.F16 || scale.dtype() == DType.F32;
        if (!shaped || !typed) {
            throw StrictObject.unsupported("tensor " + scale.name() + " is " + scale.dtype() + " " + scale.shape()
                    + "; expected BF16, F16 or F32 in shape " + (perTensor ? "[1]" : "[" + outFeatures + ", 1]"));
        }
        var grid = new ScaleGrid(scale, perTensor ? Math.max(outFeatures, 1) : 1, 1);
        grid.requirePositive();
        return grid;
    }

    private void requireNothingElse() {
        for (String name : checkpoint.names()) {
            String parameter = name.substring(name.lastIndexOf('.') + 1);
            boolean unusedScale = name.endsWith(CompressedTensors.WEIGHT_SCALE_SUFFIX) && !usedScales.contains(name);
            if (unusedScale || FOREIGN_PARAMETERS.contains(parameter)) {
                throw StrictObject.unsupported("it does not explain tensor " + name);
            }
        }
    }

    private void requireTargetsFound(Set<String> modules) {
        for (CompressedTensorsConfig.Group group : config.groups()) {
            for (ModulePattern target : group.targets()) {
                boolean found = target.text().equals(CompressedTensorsConfig.LINEAR)
                        || modules.stream().anyMatch(target::matches);
                if (!found) {
                    throw StrictObject.unsupported("config_groups." + group.name() + " targets " + target.text()
                            + ", which is no module of the checkpoint");
                }
            }
        }
    }
}
