package io.octavo.engine.transformer.weight;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.model.Biases;
import io.octavo.engine.model.FeedForwardSpec;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Places a checkpoint's modules on a backend and checks their shapes. Owns what it placed until it is closed.
 *
 * <p>Weights stay as they are stored: 16-bit, or codes with their scales. On the CPU they stay in the mapped files.
 */
public final class ModuleReader implements LinearReader.Placer, AutoCloseable {

    /** Host memory that unpacks codes on their way to the device. */
    private static final long FILL_BYTES = 4 << 20;

    private final Backend backend;
    private final Checkpoint checkpoint;
    private final LinearReader linears;
    private final int hidden;
    private final Biases biases;
    private final Stream stream;
    private final @Nullable WeightRounding rounding;
    private final List<DeviceBuffer> buffers = new ArrayList<>();

    /** @param rounding of the weights of Linears, none of which is quantized then; null to leave them as they are */
    public ModuleReader(
            Backend backend,
            Checkpoint checkpoint,
            LinearReader linears,
            int hidden,
            Biases biases,
            Stream stream,
            @Nullable WeightRounding rounding) {
        this.backend = backend;
        this.checkpoint = checkpoint;
        this.linears = linears;
        this.hidden = hidden;
        this.biases = biases;
        this.stream = stream;
        this.rounding = rounding;
    }

    /** The width of a hidden state. */
    public int hidden() {
        return hidden;
    }

    public Linear linear(String module, int outFeatures, int inFeatures) {
        return rounded(router(module, outFeatures, inFeatures));
    }

    /** A Linear that decides where tokens go: it is left as it is. */
    public Linear router(String module, int outFeatures, int inFeatures) {
        return linears.read(module, outFeatures, inFeatures, bias(module, outFeatures), this);
    }

    private Linear rounded(Linear linear) {
        if (rounding == null) {
            return linear;
        }
        if (!(linear.weight() instanceof LinearWeight.Scaled(ScaledMatrix plain)) || plain.scales() != null) {
            throw new QuantizationException(
                    ErrorCode.ALREADY_QUANTIZED, "the weight of " + linear.module() + " is quantized already");
        }
        Matrix weight = plain.codes();
        Matrix codes = allocate(rounding.codes(), weight.rows(), weight.columns());
        Matrix scales = allocate(WeightRounding.scaleType(weight.dtype()), weight.rows(), 1);
        int[] nonFinite = new int[1];
        try (DeviceBuffer flag = backend.allocate("weights", Integer.BYTES)) {
            backend.operations()
                    .quantizeRows()
                    .quantize(weight, codes, scales, rounding.divisor(), Matrix.of(flag, DType.I32, 1, 1), stream);
            flag.copyTo(MemorySegment.ofArray(nonFinite), 0, stream);
            stream.synchronize();
        }
        buffers.remove(weight.buffer());
        weight.buffer().close();
        if (nonFinite[0] != 0) {
            throw new QuantizationException(
                    ErrorCode.TENSOR_NOT_FINITE, "the weight of " + linear.module() + " holds NaN or infinity");
        }
        var rounded = new LinearWeight.Scaled(new ScaledMatrix(codes, scales));
        return new Linear(linear.module(), rounded, linear.bias(), rounding.inputs());
    }

    private Matrix allocate(DType dtype, long rows, long columns) {
        DeviceBuffer buffer = backend.allocate("weights", Matrix.bytes(dtype, rows, columns));
        buffers.add(buffer);
        return Matrix.of(buffer, dtype, rows, columns);
    }

    /** Linears that read one input; those of one name lie in one module, rows after rows. */
    public List<Linear> projections(String block, List<String> names, List<Integer> outFeatures, int inFeatures) {
        return split(names, outFeatures, (name, rows) -> linear(block + name, rows, inFeatures));
    }

    /** @param read gives a Linear of a name and all of its output features */
    public static List<Linear> split(
            List<String> names, List<Integer> outFeatures, BiFunction<String, Integer, Linear> read) {
        Map<String, Integer> rows = new HashMap<>();
        for (int i = 0; i < names.size(); i++) {
            rows.merge(names.get(i), outFeatures.get(i), Integer::sum);
        }
        Map<String, Linear> whole = new HashMap<>();
        Map<String, Integer> taken = new HashMap<>();
        List<Linear> parts = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            String name = names.get(i);
            Linear linear = whole.computeIfAbsent(name, key -> read.apply(key, rows.get(key)));
            int to = taken.merge(name, outFeatures.get(i), Integer::sum);
            parts.add(linear.outFeatures() == outFeatures.get(i) ? linear : linear.rows(to - outFeatures.get(i), to));
        }
        return parts;
    }

    /** A Linear of one expert of the layer {@code prefix}. */
    public Linear expert(
            String prefix, FeedForwardSpec.Experts spec, String name, int expert, int outFeatures, int inFeatures) {
        String module = prefix + "." + spec.module(expert, name);
        String stack = prefix + "." + spec.stack(name);
        return rounded(
                switch (spec.storage()) {
                    case MODULES -> linears.readExpert(module, outFeatures, inFeatures, this);
                    case STACKED -> linears.readSlice(module, stack, expert, false, outFeatures, inFeatures, this);
                    case STACKED_INPUT_FIRST ->
                        linears.readSlice(module, stack, expert, true, outFeatures, inFeatures, this);
                });
    }

    private @Nullable Matrix bias(String module, int outFeatures) {
        String name = module + ".bias";
        return biases.has(module) && checkpoint.find(name).isPresent() ? matrix(name, 1, outFeatures) : null;
    }

    /** The weight of a norm. */
    public Matrix norm(String module, int columns) {
        return weight(module, 1, columns);
    }

    /** The weight of a module that is never quantized. */
    public Matrix weight(String module, long rows, long columns) {
        return matrix(module + ".weight", rows, columns);
    }

    private Matrix matrix(String name, long rows, long columns) {
        Tensor tensor = linears.tensor(name);
        return place(requireFloating(tensor), rows, columns);
    }

    @Override
    public boolean wantsPacked() {
        return backend.readsFewerBitsFaster();
    }

    @Override
    public Matrix place(Tensor tensor, long rows, long columns) {
        requireShape(tensor, rows, columns);
        DeviceBuffer buffer = backend.place("weights", tensor.segment(), stream);
        buffers.add(buffer);
        return Matrix.of(buffer, tensor.dtype(), rows, columns);
    }

    @Override
    public Matrix fill(DType dtype, long rows, long columns, LinearReader.RowWriter writer) {
        Matrix matrix = allocate(dtype, rows, columns);
        long rowBytes = Math.max(Matrix.bytes(dtype, 1, columns), 1);
        long step = Math.clamp(FILL_BYTES / rowBytes, 1, Math.max(rows, 1));
        try (Arena arena = Arena.ofShared()) {
            MemorySegment host = arena.allocate(step * rowBytes, Long.BYTES);
            for (long from = 0; from < rows; from += step) {
                long to = Math.min(from + step, rows);
                MemorySegment part = host.asSlice(0, (to - from) * rowBytes);
                writer.write(from, to, part);
                matrix.buffer().copyFrom(part, from * rowBytes, stream);
                stream.synchronize();
            }
        }
        return matrix;
    }

    @Override
    public void close() {
        buffers.forEach(DeviceBuffer::close);
    }

    public static Tensor requireFloating(Tensor tensor) {
        DType dtype = tensor.dtype();
        if (dtype != DType.F32 && dtype != DType.BF16 && dtype != DType.F16) {
            throw new QuantizationException(
                    ErrorCode.TENSOR_DTYPE_UNSUPPORTED,
                    "tensor " + tensor.name() + " is " + dtype + "; allowed: F32, BF16, F16");
        }
        return tensor;
    }

    /** A row vector may be stored with rank 1, a single number with rank 0. */
    public static Tensor requireShape(Tensor tensor, long rows, long columns) {
        List<Long> matrix = List.of(rows, columns);
        List<Long> vector = List.of(columns);
        boolean asVector = rows == 1 && tensor.shape().equals(vector);
        boolean asNumber = rows == 1 && columns == 1 && tensor.shape().isEmpty();
        if (!tensor.shape().equals(matrix) && !asVector && !asNumber) {
            throw new QuantizationException(
                    ErrorCode.CHECKPOINT_SHAPE_MISMATCH,
                    "tensor " + tensor.name() + " has shape " + tensor.shape() + ", config.json asks for " + matrix);
        }
        return tensor;
    }
}
