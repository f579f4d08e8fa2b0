package io.octavo.engine.inspect;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Checkpoint.StoredTensor;
import io.octavo.engine.checkpoint.CheckpointFiles;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.label.Label;
import io.octavo.engine.layout.QuantizedLayouts;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.model.MissingModules;
import io.octavo.engine.model.WeightShapes;
import io.octavo.engine.module.FusedExperts;
import io.octavo.engine.module.ModuleRole;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.kernels.number.DType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SequencedMap;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What a checkpoint is: its label, what its tensors are, and whether the two agree.
 *
 * @param layout empty for unquantized checkpoints and for layouts that are not read here
 * @param weightBits bits a weight of the quantized modules, scales included, measured on the tensors where these could be
 *     read, else as the config declares
 * @param quantizedModules how many Linear modules have tensors of a quantization
 * @param leftAlone Linear modules that keep their numbers, and tensors of experts that do
 * @param tensors by the name of their number type
 * @param disagreement why config and tensors contradict each other, cannot be read here, or are refused or misread by
 *     loaders; empty where all is well
 */
public record Inspection(
        Label label,
        Optional<Layout> layout,
        OptionalDouble weightBits,
        int quantizedModules,
        List<String> leftAlone,
        SequencedMap<String, Tensors> tensors,
        int shards,
        Optional<String> disagreement) {

    private static final Pattern TENSOR = Pattern.compile("tensor ([^ ,;]+)");

    /** @param count how many tensors there are */
    public record Tensors(int count, long bytes) {
        private Tensors plus(TensorInfo tensor) {
            return new Tensors(count + 1, bytes + tensor.byteSize());
        }
    }

    public Inspection {
        leftAlone = List.copyOf(leftAlone);
        tensors = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(tensors));
    }

    /**
     * Looks at a folder, and reads every number once: scales and zero points as loaders do, all others for NaN and infinity.
     * Takes no more memory than some windows of tensors.
     *
     * @throws QuantizationException if the folder is no checkpoint
     */
    public static Inspection of(Path folder) {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            return new Inspector(checkpoint).inspect();
        }
    }

    /**
     * The same from headers and configs alone, where the tensors' bytes are far away.
     *
     * @throws QuantizationException if the files are no checkpoint or cannot be read
     */
    public static Inspection ofHeaders(CheckpointFiles files) {
        try (Checkpoint checkpoint = Checkpoint.ofHeaders(files)) {
            return new Inspector(checkpoint).withoutNumbers();
        }
    }

    /**
     * The same of a folder, whose numbers are left unread.
     *
     * @throws QuantizationException if the folder is no checkpoint
     */
    public static Inspection ofHeaders(Path folder) {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            return new Inspector(checkpoint).withoutNumbers();
        }
    }

    /** Bytes of all tensors. */
    public long bytes() {
        return tensors.values().stream().mapToLong(Tensors::bytes).sum();
    }

    /** How many tensors there are. */
    public int tensorCount() {
        return tensors.values().stream().mapToInt(Tensors::count).sum();
    }

    private record Inspector(Checkpoint checkpoint) {

        Inspection inspect() {
            try {
                QuantizedModules modules = QuantizedLayouts.read(checkpoint);
                Optional<String> fault = new MissingModules(checkpoint.config().tree(), checkpoint.names())
                        .needed()
                        .or(() -> WeightShapes.contradiction(
                                checkpoint.config().tree(), module -> shape(modules, module)))
                        .or(() -> LoaderFaults.first(checkpoint, modules))
                        .or(() -> NumberScan.first(checkpoint));
                return inspection(measuredBits(modules), fault.map(this::located));
            } catch (QuantizationException e) {
                return inspection(
                        Label.of(checkpoint).bitsPerWeight(),
                        Optional.ofNullable(e.getMessage()).map(this::located));
            }
        }

        private Optional<List<Long>> shape(QuantizedModules modules, String module) {
            return modules.find(module)
                    .map(linear -> List.of(
                            linear.weight().outFeatures(), linear.weight().inFeatures()))
                    .or(() -> checkpoint.weightShape(module));
        }

        /** Of several files, with the one that holds the tensor of which it tells. */
        private String located(String fault) {
            return TENSOR.matcher(fault)
                    .results()
                    .map(named -> checkpoint.stored().get(named.group(1)))
                    .filter(Objects::nonNull)
                    .findFirst()
                    .map(stored -> stored.shard().path().getFileName() + ": " + fault)
                    .orElse(fault);
        }

        Inspection withoutNumbers() {
            return inspection(Label.of(checkpoint).bitsPerWeight(), Optional.empty());
        }

        private Inspection inspection(OptionalDouble weightBits, Optional<String> disagreement) {
            Set<String> quantized = quantizedModules();
            return new Inspection(
                    Label.of(checkpoint),
                    QuantizedLayouts.layout(checkpoint),
                    weightBits,
                    quantized.size(),
                    quantized.isEmpty() ? List.of() : leftAlone(quantized),
                    tensors(),
                    checkpoint.shards().size(),
                    disagreement);
        }

        private OptionalDouble measuredBits(QuantizedModules modules) {
            long weights = 0;
            long bytes = 0;
            for (var linear : modules.byName().values()) {
                weights += linear.weight().outFeatures() * linear.weight().inFeatures();
            }
            for (StoredTensor tensor : checkpoint.stored().values()) {
                String name = tensor.info().name();
                boolean counts = QuantizedLayouts.isQuantization(name) && !QuantizedLayouts.isKvCacheScale(name);
                if (counts && modules.find(QuantizedLayouts.moduleOf(name)).isPresent()) {
                    bytes += tensor.info().byteSize();
                }
            }
            return weights == 0 ? OptionalDouble.empty() : OptionalDouble.of(8.0 * bytes / weights);
        }

        private Set<String> quantizedModules() {
            var modules = new HashSet<String>();
            for (String name : checkpoint.names()) {
                boolean belongs = QuantizedLayouts.isQuantization(name)
                        && !name.endsWith(".weight")
                        && !QuantizedLayouts.isKvCacheScale(name);
                if (belongs) {
                    modules.add(QuantizedLayouts.moduleOf(name));
                }
            }
            return modules;
        }

        private List<String> leftAlone(Set<String> quantized) {
            var modules = new ArrayList<String>();
            checkpoint.stored().forEach((name, stored) -> {
                String module = QuantizedLayouts.moduleOf(name);
                boolean linear = name.endsWith(".weight")
                        && ModuleRole.of(
                                        module,
                                        stored.info().shape(),
                                        checkpoint.config().tree())
                                .isLinear();
                if (linear && !quantized.contains(module)) {
                    modules.add(module);
                }
                FusedExperts.of(name, stored.info().shape(), checkpoint.config().tree())
                        .ifPresent(experts -> modules.add(name));
            });
            return modules;
        }

        private SequencedMap<String, Tensors> tensors() {
            var tensors = new EnumMap<DType, Tensors>(DType.class);
            for (StoredTensor tensor : checkpoint.stored().values()) {
                tensors.merge(
                        tensor.info().dtype(),
                        new Tensors(1, tensor.info().byteSize()),
                        (known, one) -> known.plus(tensor.info()));
            }
            var named = new LinkedHashMap<String, Tensors>();
            tensors.forEach((dtype, sum) -> named.put(dtype.name(), sum));
            return named;
        }
    }
}
