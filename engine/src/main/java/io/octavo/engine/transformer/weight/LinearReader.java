package io.octavo.engine.transformer.weight;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.QuantizedLayouts;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.layout.weight.InputScale;
import io.octavo.engine.layout.weight.KvCacheScales;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.module.FusedExperts;
import io.octavo.engine.scheme.NumberType;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Finds the tensors of a Linear, plain or quantized in any layout. */
public final class LinearReader {

    /** Brings numbers to the device. */
    public interface Placer {

        /** Whether products with codes of 4 bits are wanted. */
        boolean wantsPacked();

        /** Places a tensor after checking that its shape is {@code [rows, columns]}. */
        Matrix place(Tensor tensor, long rows, long columns);

        /** Makes a matrix that {@code writer} fills, some rows at a time. */
        Matrix fill(DType dtype, long rows, long columns, RowWriter writer);
    }

    /** Writes the rows {@code [from, to)} of a matrix into host memory. */
    public interface RowWriter {
        void write(long from, long to, MemorySegment target);
    }

    private static final String MIXTRAL_BLOCK = ".block_sparse_moe.";
    private static final String SAVED_BLOCK = ".mlp.";
    private static final Pattern EXPERT = Pattern.compile("(.*\\.experts\\.)[0-9]+\\.[^.]+\\.weight");

    private final Checkpoint checkpoint;
    private final QuantizedModules quantized;
    private final ChangedWeights changed;

    public LinearReader(Checkpoint checkpoint) {
        this(checkpoint, QuantizedLayouts.read(checkpoint), ChangedWeights.none());
    }

    private LinearReader(Checkpoint checkpoint, QuantizedModules quantized, ChangedWeights changed) {
        this.checkpoint = checkpoint;
        this.quantized = quantized;
        this.changed = changed;
    }

    /** The same with other weights in place of some of the checkpoint's. */
    public LinearReader with(ChangedWeights weights) {
        return new LinearReader(checkpoint, quantized, weights);
    }

    Tensor tensor(String name) {
        Tensor other = changed.tensors().get(name);
        return other == null ? stored(name) : other;
    }

    /** As it is published, or as transformers 5 saves it: Mixtral's blocks under another name, experts in one tensor. */
    private Tensor stored(String name) {
        String saved = name.replace(MIXTRAL_BLOCK, SAVED_BLOCK);
        return checkpoint
                .find(name)
                .or(() -> checkpoint.find(saved))
                .or(() -> ofAllExperts(saved))
                .orElseGet(() -> checkpoint.tensor(name));
    }

    private Optional<Tensor> ofAllExperts(String weight) {
        Matcher expert = EXPERT.matcher(weight);
        if (!expert.matches()) {
            return Optional.empty();
        }
        String module = weight.substring(0, weight.length() - CompressedTensors.WEIGHT_SUFFIX.length());
        return Stream.of("gate_up_proj", "down_proj")
                .flatMap(name -> checkpoint.find(expert.group(1) + name).stream())
                .flatMap(all -> FusedExperts.of(
                                all.name(), all.shape(), checkpoint.config().tree())
                        .stream()
                        .flatMap(fused -> fused.parts().stream())
                        .filter(part -> part.module().equals(module) && !part.inputFirst())
                        .map(part -> rows(all, part)))
                .findFirst();
    }

    private static Tensor rows(Tensor all, FusedExperts.Part part) {
        Tensor expert = all.slice(part.expert());
        long rowBytes = part.inFeatures() * all.dtype().bytes();
        return new Tensor(
                part.module() + CompressedTensors.WEIGHT_SUFFIX,
                all.dtype(),
                List.of(part.outFeatures(), part.inFeatures()),
                expert.segment().asSlice(part.firstRow() * rowBytes, part.outFeatures() * rowBytes));
    }

    Linear read(String module, int outFeatures, int inFeatures, @Nullable Matrix bias, Placer placer) {
        return read(module, outFeatures, inFeatures, bias, placer, placer.wantsPacked());
    }

    /** One that is multiplied together with others, for which there is no product with packed codes. */
    Linear readExpert(String module, int outFeatures, int inFeatures, Placer placer) {
        return read(module, outFeatures, inFeatures, null, placer, false);
    }

    private Linear read(
            String module, int outFeatures, int inFeatures, @Nullable Matrix bias, Placer placer, boolean packed) {
        return changed.linear(module)
                .or(() -> quantized.find(module))
                .or(() -> quantized.find(module.replace(MIXTRAL_BLOCK, SAVED_BLOCK)))
                .map(stored -> quantized(stored, outFeatures, inFeatures, bias, placer, packed))
                .orElseGet(() -> plain(module, outFeatures, inFeatures, bias, placer));
    }

    private Linear plain(String module, int outFeatures, int inFeatures, @Nullable Matrix bias, Placer placer) {
        Tensor weight = tensor(module + CompressedTensors.WEIGHT_SUFFIX);
        Matrix placed = placer.place(ModuleReader.requireFloating(weight), outFeatures, inFeatures);
        return new Linear(module, new LinearWeight.Scaled(ScaledMatrix.plain(placed)), bias, new InputRounding.None());
    }

    /**
     * One that is a matrix of a stack.
     *
     * @param module a name of its own
     * @param tensor {@code [count, outFeatures, inFeatures]}, or {@code [count, inFeatures, outFeatures]} if
     *     {@code inputFirst}
     */
    Linear readSlice(
            String module,
            String tensor,
            int index,
            boolean inputFirst,
            int outFeatures,
            int inFeatures,
            Placer placer) {
        Tensor slice = slice(tensor, index);
        Matrix placed = inputFirst
                ? placer.fill(
                        ModuleReader.requireShape(slice, inFeatures, outFeatures)
                                .dtype(),
                        outFeatures,
                        inFeatures,
                        transposed(slice))
                : placer.place(slice, outFeatures, inFeatures);
        return new Linear(module, new LinearWeight.Scaled(ScaledMatrix.plain(placed)), null, new InputRounding.None());
    }

    private Tensor slice(String name, int index) {
        Tensor stack = ModuleReader.requireFloating(checkpoint.tensor(name));
        if (stack.shape().size() != 3 || index >= stack.shape().getFirst()) {
            throw new QuantizationException(
                    ErrorCode.CHECKPOINT_SHAPE_MISMATCH,
                    "tensor " + name + " has shape " + stack.shape() + ", it must be a stack of more than " + index
                            + " matrices");
        }
        return stack.slice(index);
    }

    private static RowWriter transposed(Tensor tensor) {
        int bytes = tensor.dtype().bytes();
        long rowBytes = tensor.shape().getLast() * bytes;
        return (from, to, target) -> {
            long columns = tensor.shape().getFirst();
            for (long column = 0; column < columns; column++) {
                for (long row = from; row < to; row++) {
                    MemorySegment.copy(
                            tensor.segment(),
                            column * rowBytes + row * bytes,
                            target,
                            ((row - from) * columns + column) * bytes,
                            bytes);
                }
            }
        };
    }

    private static Linear quantized(
            QuantizedLinear stored,
            int outFeatures,
            int inFeatures,
            @Nullable Matrix bias,
            Placer placer,
            boolean packed) {
        QuantizedWeight weight = stored.weight();
        if (weight.outFeatures() != outFeatures || weight.inFeatures() != inFeatures) {
            throw new QuantizationException(
                    ErrorCode.CHECKPOINT_SHAPE_MISMATCH,
                    "the weight of " + stored.module() + " is " + weight.outFeatures() + " x " + weight.inFeatures()
                            + ", config.json asks for " + outFeatures + " x " + inFeatures);
        }
        InputRounding rounding = stored.inputs()
                .map(inputs -> InputRounding.of(inputs, stored.inputScale().orElse(InputScale.symmetric(1))))
                .orElseGet(InputRounding.None::new);
        var placement = new WeightPlacement(weight, placer);
        boolean packs = packed && rounding instanceof InputRounding.None && placement.fitsPacked();
        return new Linear(stored.module(), packs ? placement.placePacked() : placement.place(), bias, rounding);
    }

    /** The scales of what enters the KV cache, by layer; empty where it is not quantized. */
    public KvScales kvScales(Placer placer) {
        return quantized.kvCache().map(scales -> kvScales(scales, placer)).orElse(KvScales.none());
    }

    private static KvScales kvScales(KvCacheScales scales, Placer placer) {
        var layers = new ArrayList<KvScales.Layer>();
        scales.byLayer()
                .values()
                .forEach(stored ->
                        layers.add(new KvScales.Layer(row(stored.keys(), placer), row(stored.values(), placer))));
        boolean integers = scales.quantization().type() instanceof NumberType.IntType;
        return new KvScales(integers ? DType.I8 : DType.F8_E4M3, layers);
    }

    private static Matrix row(List<Float> scales, Placer placer) {
        return placer.fill(DType.F32, 1, scales.size(), (from, to, target) -> {
            for (int i = 0; i < scales.size(); i++) {
                target.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i, scales.get(i));
            }
        });
    }
}
