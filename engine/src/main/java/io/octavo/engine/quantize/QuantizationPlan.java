package io.octavo.engine.quantize;

import io.octavo.engine.calibrate.ActivationRanges;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.ShardPlan;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.layout.config.CompressedTensorsConfig;
import io.octavo.engine.layout.weight.InputScale;
import io.octavo.engine.modify.ChannelScaling;
import io.octavo.engine.modify.SolvedCodes;
import io.octavo.engine.module.Experts;
import io.octavo.engine.module.LoaderNames;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.engine.scheme.Scheme;
import io.octavo.engine.solve.SolvableWeight;
import io.octavo.kernels.number.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongUnaryOperator;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What happens to every tensor of a checkpoint, known from headers and config alone.
 *
 * @param actions one a source tensor, or one for each Linear in it, in the order of the source; and one for each attention
 *     module with scales
 * @param ignore what the written config lists: the Linear modules that are left alone
 */
public record QuantizationPlan(ModuleSchemes schemes, List<Action> actions, List<String> ignore) {

    /** Why experts that lie in one tensor are left alone. */
    public static final String FUSED_EXPERTS =
            "experts in one tensor, which loaders of this family do not take one by one";

    /** What happens to a source tensor or a part of it, or what is written without one. */
    public sealed interface Action {

        /** What is written; these tensors stay in one file. */
        List<TensorSpec> outputs();

        /** Bytes that are read. */
        long inputBytes();

        /** Bytes that are written. */
        default long outputBytes() {
            return TensorSpec.byteSize(outputs());
        }
    }

    /**
     * A weight that becomes codes and scales.
     *
     * @param module the weight's name without {@code .weight}
     * @param source the numbers that are rounded
     * @param floats type of scales that are floats
     * @param sharing all modules, this one among them, that must have one scale for their whole weights; empty where
     *     that has no meaning
     * @param outputs follow from the others; kept, because a plan of 40,000 actions is asked for them again and again
     */
    public record Quantize(
            String module, Scheme scheme, Numbers source, DType floats, List<String> sharing, List<TensorSpec> outputs)
            implements Action {

        public Quantize {
            sharing = List.copyOf(sharing);
            outputs = List.copyOf(outputs);
        }

        Quantize(String module, Scheme scheme, Numbers source, DType floats) {
            this(
                    module,
                    scheme,
                    source,
                    floats,
                    List.of(),
                    layout(module, scheme, source.info(), floats).all());
        }

        Quantize sharingWith(List<String> modules) {
            return new Quantize(module, scheme, source, floats, modules, outputs);
        }

        Quantize from(Numbers numbers) {
            return new Quantize(module, scheme, numbers, floats, sharing, outputs);
        }

        Quantize solved(SolvedCodes codes) {
            ModuleOutputs layout = layout();
            long scales = layout.scaleRows() * layout.scaleColumns();
            requireSize("codes", codes.codes(), layout.outFeatures() * layout.codeRowBytes());
            requireSize("scales", codes.scales(), scales * layout.scaleType().bytes());
            requireSize("zero points", codes.zeroPoints(), layout.hasZeroPoints() ? scales : 0);
            return from(new Numbers.Solved(source, codes));
        }

        private void requireSize(String what, MemorySegment solved, long bytes) {
            if (solved.byteSize() != bytes) {
                throw new IllegalArgumentException(
                        "the solved " + what + " of " + module + " are " + solved.byteSize() + " bytes, not " + bytes);
            }
        }

        public long outFeatures() {
            return source.info().shape().getFirst();
        }

        public long inFeatures() {
            return source.info().shape().getLast();
        }

        /** What solving or rounding in memory needs of it. */
        public SolvableWeight solvable() {
            return new SolvableWeight(
                    module,
                    scheme.weights(),
                    layout().codeFormat(),
                    source.info().dtype(),
                    Math.toIntExact(outFeatures()),
                    Math.toIntExact(inFeatures()),
                    sharing,
                    new SourceRows(source, inFeatures()));
        }

        /**
         * The stored numbers that its inputs are rounded with; empty where none are stored.
         *
         * @throws io.octavo.engine.failure.QuantizationException {@code SCHEME_UNSUITABLE} if the module never ran
         */
        public Optional<InputScale> inputScale(ActivationRanges seen) {
            return new CalibratedScales(seen).input(layout());
        }

        ModuleOutputs layout() {
            return layout(module, scheme, source.info(), floats);
        }

        /** What verification holds the written numbers against. */
        WeightBounds bounds() {
            var rounding = new RoundingBounds(scheme.weights(), layout().scaleType(), floats);
            return source.solved()
                    .<WeightBounds>map(codes -> SolvedBounds.of(rounding, codes.nearest()))
                    .orElse(rounding);
        }

        private static ModuleOutputs layout(String module, Scheme scheme, TensorInfo weight, DType floats) {
            return new ModuleOutputs(
                    module,
                    scheme,
                    weight.dtype(),
                    floats,
                    weight.shape().getFirst(),
                    weight.shape().getLast());
        }

        @Override
        public long inputBytes() {
            return source.info().byteSize();
        }
    }

    /**
     * A tensor that keeps its name and type, and its bits too unless a modifier scales it.
     *
     * @param reason why, for people
     */
    public record Keep(Numbers source, String reason) implements Action {
        @Override
        public List<TensorSpec> outputs() {
            return List.of(source.info().spec());
        }

        @Override
        public long inputBytes() {
            return source.info().byteSize();
        }
    }

    /**
     * The scales of one layer's keys and values.
     *
     * @param attention name of the module that holds them
     * @param shape {@code [1]} or {@code [heads, 1, 1]}
     */
    public record KvScales(String attention, int layer, DType dtype, List<Long> shape) implements Action {

        public KvScales {
            shape = List.copyOf(shape);
        }

        public TensorSpec keys() {
            return new TensorSpec(attention + CompressedTensors.KEY_SCALE_SUFFIX, dtype, shape);
        }

        public TensorSpec values() {
            return new TensorSpec(attention + CompressedTensors.VALUE_SCALE_SUFFIX, dtype, shape);
        }

        @Override
        public List<TensorSpec> outputs() {
            return List.of(keys(), values());
        }

        @Override
        public long inputBytes() {
            return 0;
        }
    }

    public QuantizationPlan {
        actions = List.copyOf(actions);
        ignore = List.copyOf(ignore);
    }

    /** The plan for one scheme. */
    public static QuantizationPlan of(Checkpoint checkpoint, Scheme scheme, List<String> ignore) {
        return of(checkpoint, ModuleSchemes.of(scheme), ignore);
    }

    /**
     * @param ignore modules to leave alone beside the defaults: exact names or {@code re:<regex>}
     * @throws QuantizationException {@code ALREADY_QUANTIZED}, {@code ARCHITECTURE_MISSING}, {@code CONFIG_INVALID},
     *     {@code CHECKPOINT_TENSOR_MISSING}, {@code CHECKPOINT_SHAPE_MISMATCH}, {@code IGNORE_INVALID}, {@code NOTHING_TO_QUANTIZE}, {@code TENSOR_DTYPE_UNSUPPORTED} or {@code SCHEME_UNSUITABLE}
     */
    public static QuantizationPlan of(Checkpoint checkpoint, ModuleSchemes schemes, List<String> ignore) {
        return new QuantizationPlanner(checkpoint, schemes, ignore).plan();
    }

    /** The same with some tensors' channels multiplied before anything else happens to them. */
    QuantizationPlan with(Map<String, ChannelScaling> scalings) {
        return new QuantizationPlan(
                schemes,
                actions.stream().map(action -> scaled(action, scalings)).toList(),
                ignore);
    }

    private static Action scaled(Action action, Map<String, ChannelScaling> scalings) {
        return switch (action) {
            case KvScales scales -> scales;
            case Keep keep -> {
                ChannelScaling scaling = scalings.get(keep.source().info().name());
                yield scaling == null ? keep : new Keep(keep.source().times(scaling), keep.reason());
            }
            case Quantize weight -> {
                ChannelScaling scaling = scalings.get(weight.source().info().name());
                yield scaling == null ? weight : weight.from(weight.source().times(scaling));
            }
        };
    }

    /**
     * The same with the codes of some modules known: they are written as they are, and verification holds them against
     * {@link SolvedBounds}. What multiplies channels comes first.
     *
     * @param solved by module
     * @throws IllegalArgumentException if no action quantizes a module, or something of it has another size
     */
    public QuantizationPlan withSolved(Map<String, SolvedCodes> solved) {
        var unknown = new HashSet<>(solved.keySet());
        quantized().forEach(action -> unknown.remove(action.module()));
        if (!unknown.isEmpty()) {
            throw new IllegalArgumentException("no action quantizes " + unknown);
        }
        return new QuantizationPlan(
                schemes,
                actions.stream()
                        .map(action -> action instanceof Quantize weight && solved.containsKey(weight.module())
                                ? weight.solved(Objects.requireNonNull(solved.get(weight.module())))
                                : action)
                        .toList(),
                ignore);
    }

    /**
     * What the written config says.
     *
     * @param config the source's config.json
     */
    ObjectNode quantizationConfig(JsonNode config) {
        var names = new LoaderNames(config, actionsByOutput().keySet());
        var targets = new ArrayList<CompressedTensorsConfig.Target>();
        var bySchemes = new LinkedHashMap<Scheme, List<String>>();
        quantized()
                .forEach(action -> bySchemes
                        .computeIfAbsent(action.scheme(), scheme -> new ArrayList<>())
                        .add(action.module()));
        bySchemes.forEach((scheme, modules) -> {
            boolean experts =
                    modules.stream().anyMatch(module -> Experts.of(module).isPresent());
            targets.add(
                    bySchemes.size() == 1
                            ? CompressedTensorsConfig.Target.everyLinear(scheme, experts)
                            : new CompressedTensorsConfig.Target(scheme, names.spellings(modules), experts));
        });
        // transformers takes the first group for that of all experts.
        targets.sort(Comparator.comparing(target -> !target.experts()));
        return CompressedTensors.config(targets, listed(config), schemes.kvCache());
    }

    /**
     * Every spelling of the modules that are left alone, as configs list them.
     *
     * @param config the source's config.json
     */
    public List<String> listed(JsonNode config) {
        return new LoaderNames(config, actionsByOutput().keySet()).spellings(ignore);
    }

    public List<Quantize> quantized() {
        return actions.stream()
                .filter(Quantize.class::isInstance)
                .map(Quantize.class::cast)
                .toList();
    }

    /** What solving or rounding in memory needs of the quantized modules. */
    public List<SolvableWeight> solvable() {
        return quantized().stream().map(Quantize::solvable).toList();
    }

    public List<Keep> kept() {
        return actions.stream()
                .filter(Keep.class::isInstance)
                .map(Keep.class::cast)
                .toList();
    }

    public List<KvScales> kvScales() {
        return actions.stream()
                .filter(KvScales.class::isInstance)
                .map(KvScales.class::cast)
                .toList();
    }

    /** Each action under the name of every tensor that it writes. */
    Map<String, Action> actionsByOutput() {
        var byOutput = new HashMap<String, Action>();
        actions.forEach(action -> action.outputs().forEach(output -> byOutput.put(output.name(), action)));
        return byOutput;
    }

    /** Tensor bytes that are read. */
    public long inputBytes() {
        return actions.stream().mapToLong(Action::inputBytes).sum();
    }

    /** Tensor bytes that are written, without headers. */
    public long outputBytes() {
        return actions.stream().mapToLong(Action::outputBytes).sum();
    }

    /** Weight files that are written. */
    public int outputFiles() {
        return shards(ShardPlan::shardBytes).shards().size();
    }

    /** Bits a weight of the quantized modules, scales included. */
    public double weightBits() {
        long bytes = 0;
        long weights = 0;
        for (Quantize action : quantized()) {
            bytes += action.outputBytes();
            weights += action.outFeatures() * action.inFeatures();
        }
        return 8.0 * bytes / weights;
    }

    /** @param shardBytes tensor bytes a file, for those of the whole artifact */
    ShardPlan shards(LongUnaryOperator shardBytes) {
        return ShardPlan.of(actions.stream().map(Action::outputs).toList(), shardBytes.applyAsLong(outputBytes()));
    }

    /** Rows of a weight of a plan. */
    private record SourceRows(Numbers source, long columns) implements SolvableWeight.Rows {

        private long offset(int row) {
            return row * columns * source.info().dtype().bytes();
        }

        @Override
        public float[] read(int from, int to) {
            float[] numbers = new float[Math.toIntExact((to - from) * columns)];
            source.floats(offset(from), numbers, 0, numbers.length);
            return numbers;
        }

        @Override
        public Optional<MemorySegment> stored(int from, int to, Arena arena) {
            return Optional.of(source.view(offset(from), offset(to), arena));
        }
    }
}
