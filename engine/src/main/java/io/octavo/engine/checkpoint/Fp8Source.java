package io.octavo.engine.checkpoint;

import io.octavo.engine.checkpoint.Checkpoint.StoredTensor;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float8;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A checkpoint that was published in 8-bit floats, as DeepSeek, Kimi, MiniMax and Mistral do: E4M3 weights with a {@code
 * weight_scale_inv} (DeepSeek 4: {@code scale}) for each block, or one for all, by which they are multiplied. Experts in one
 * tensor have theirs in another, {@code NAME_scale_inv}. Its weights are read as BF16, rounded once, which is how their
 * publishers expand them.
 *
 * @param blockRows rows of a weight, or of an expert, that share scales; 0 where all do
 * @param blockColumns columns, likewise
 */
public record Fp8Source(Checkpoint checkpoint, int blockRows, int blockColumns) {

    private static final String WEIGHT_END = ".weight";
    private static final String SCALE_END = "_scale_inv";
    private static final String SHORT_SCALE_END = ".scale";

    /** Of inputs, keys and values, which nothing reads once weights are expanded. */
    private static final List<String> OTHER_SCALE_ENDS =
            List.of("activation_scale", ".input_scale", ".q_scale", ".k_scale", ".v_scale");

    private static final Set<DType> SCALE_TYPES = Set.of(DType.F32, DType.BF16, DType.F16, DType.F8_E8M0);
    /** What transformers takes where a config does not say. */
    private static final int DEFAULT_BLOCK = 128;

    private static final int E8M0_BIAS = 127;
    private static final int E8M0_NAN = 255;
    private static final Set<String> FORMATS = Set.of("", "e4m3", "float8_e4m3fn");

    /** Headers and config suffice; empty for checkpoints that are quantized otherwise or not at all. */
    public static Optional<Fp8Source> of(Checkpoint checkpoint) {
        JsonNode config = checkpoint.config().quantizationConfig().orElse(null);
        if (config == null
                || !config.path("quant_method").asString("").equals("fp8")
                || !FORMATS.contains(config.path("fmt").asString(""))
                || checkpoint.stored().keySet().stream().noneMatch(name -> isScale(name, checkpoint))) {
            return Optional.empty();
        }
        JsonNode block = config.path("weight_block_size");
        if (block.isMissingNode() || block.isNull()) {
            var blocks = new Fp8Source(checkpoint, DEFAULT_BLOCK, DEFAULT_BLOCK);
            return Optional.of(blocks.fitsAll() ? blocks : new Fp8Source(checkpoint, 0, 0));
        }
        boolean valid = block.size() == 2 && block.valueStream().allMatch(size -> size.isInt() && size.intValue() > 0);
        return valid
                ? Optional.of(new Fp8Source(
                        checkpoint, block.get(0).intValue(), block.get(1).intValue()))
                : Optional.empty();
    }

    private static boolean isScale(String tensor, Checkpoint checkpoint) {
        if (!tensor.endsWith(SHORT_SCALE_END)) {
            return tensor.endsWith(SCALE_END);
        }
        String weight = tensor.substring(0, tensor.length() - SHORT_SCALE_END.length()) + WEIGHT_END;
        StoredTensor scaled = checkpoint.stored().get(weight);
        return scaled != null && scaled.info().dtype() == DType.F8_E4M3;
    }

    /** Whether a tensor belongs to the 8-bit form alone. */
    public boolean isPartOfTheForm(String tensor) {
        return isScale(tensor, checkpoint) || OTHER_SCALE_ENDS.stream().anyMatch(tensor::endsWith);
    }

    /**
     * What an 8-bit weight stands for; empty for tensors of other types.
     *
     * @throws QuantizationException {@code QUANTIZATION_UNSUPPORTED} for a weight without fitting scales
     */
    public Optional<TensorView> view(StoredTensor weight) {
        TensorInfo info = weight.info();
        if (info.dtype() != DType.F8_E4M3) {
            return Optional.empty();
        }
        StoredTensor scales = scales(info.name());
        if (scales == null || !fits(scales.info(), info.shape())) {
            throw new QuantizationException(
                    ErrorCode.QUANTIZATION_UNSUPPORTED,
                    "tensor " + info.name() + " of F8_E4M3 " + info.shape() + " has no " + info.name() + SCALE_END
                            + " that fits it, " + expected(info.shape())
                            + (scales == null
                                    ? ""
                                    : ", but " + scales.info().name() + " of "
                                            + scales.info().dtype() + " "
                                            + scales.info().shape()));
        }
        long rows = info.shape().get(info.shape().size() - 2);
        long columns = info.shape().getLast();
        var expanded = new TensorInfo(info.name(), DType.BF16, info.shape(), 0, 2 * info.byteSize());
        return Optional.of(new Expanded(
                weight,
                expanded,
                scales,
                Math.max(rows, 1),
                blockRows == 0 ? Math.max(rows, 1) : blockRows,
                blockColumns == 0 ? Math.max(columns, 1) : blockColumns));
    }

    private @Nullable StoredTensor scales(String weight) {
        StoredTensor scales = checkpoint.stored().get(weight + SCALE_END);
        if (scales == null && weight.endsWith(WEIGHT_END)) {
            String module = weight.substring(0, weight.length() - WEIGHT_END.length());
            scales = checkpoint.stored().get(module + SHORT_SCALE_END);
        }
        return scales;
    }

    private boolean fitsAll() {
        return checkpoint.stored().values().stream()
                .map(StoredTensor::info)
                .filter(info -> info.dtype() == DType.F8_E4M3)
                .allMatch(info -> {
                    StoredTensor scales = scales(info.name());
                    return scales != null && fits(scales.info(), info.shape());
                });
    }

    private String expected(List<Long> shape) {
        return blockRows == 0 || shape.size() < 2 || shape.size() > 3
                ? "one number for each matrix"
                : "F32, BF16, F16 or F8_E8M0 " + grid(shape) + " for blocks of " + blockRows + " x " + blockColumns;
    }

    private List<Long> grid(List<Long> shape) {
        var grid = new ArrayList<>(shape.subList(0, shape.size() - 2));
        grid.add(Math.ceilDiv(shape.get(shape.size() - 2), (long) blockRows));
        grid.add(Math.ceilDiv(shape.getLast(), (long) blockColumns));
        return grid;
    }

    /** A number for each block of each matrix; where a matrix has one, its dimensions of one may be left out. */
    private boolean fits(TensorInfo scales, List<Long> shape) {
        if (!SCALE_TYPES.contains(scales.dtype()) || shape.size() < 2 || shape.size() > 3) {
            return false;
        }
        List<Long> matrices = shape.subList(0, shape.size() - 2);
        if (blockRows == 0) {
            List<Long> ones = scales.shape()
                    .subList(
                            Math.min(matrices.size(), scales.shape().size()),
                            scales.shape().size());
            return scales.shape().size() - ones.size() == matrices.size()
                    && scales.shape().subList(0, matrices.size()).equals(matrices)
                    && ones.size() <= 2
                    && ones.stream().allMatch(size -> size == 1);
        }
        return scales.shape().equals(grid(shape));
    }

    /**
     * @param info of the numbers that the codes stand for
     * @param rows of each matrix of the tensor
     */
    private record Expanded(
            StoredTensor tensor, TensorInfo info, StoredTensor scales, long rows, long blockRows, long blockColumns)
            implements TensorView {

        /** Which row of scales belongs to a row, counted over all matrices. */
        private long scaleRow(long row) {
            return row / rows * Math.ceilDiv(rows, blockRows) + row % rows / blockRows;
        }

        @Override
        public void read(long from, MemorySegment target) {
            long first = from / DType.BF16.bytes();
            long count = target.byteSize() / DType.BF16.bytes();
            if (count == 0) {
                return;
            }
            long columns = info.shape().getLast();
            long grid = Math.ceilDiv(columns, blockColumns);
            long firstScale = scaleRow(first / columns) * grid;
            long endScale = (scaleRow((first + count - 1) / columns) + 1) * grid;
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment codes = arena.allocate(count);
                tensor.shard().read(tensor.info(), first, codes);
                float[] factors = factors(firstScale, endScale, arena);
                for (long i = 0; i < count; i++) {
                    long row = (first + i) / columns;
                    long column = (first + i) % columns;
                    int factor = (int) (scaleRow(row) * grid + column / blockColumns - firstScale);
                    float code = Float8.fromE4m3(codes.get(ValueLayout.JAVA_BYTE, i));
                    if (factors[factor] <= 0 && code != 0) {
                        throw notPositive(row, column, factors[factor]);
                    }
                    float number = code * factors[factor];
                    target.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * i, BFloat16.fromFloat(number));
                }
            }
        }

        private QuantizationException notPositive(long row, long column, float scale) {
            return new QuantizationException(
                    ErrorCode.QUANTIZATION_UNSUPPORTED,
                    "tensor " + info.name() + ": its number in row " + row + ", column " + column + " has the scale "
                            + scale + " in " + scales.info().name() + "; scales are positive");
        }

        private static float powerOfTwo(byte code) {
            int exponent = Byte.toUnsignedInt(code);
            return exponent == E8M0_NAN ? Float.NaN : Math.scalb(1f, exponent - E8M0_BIAS);
        }

        private float[] factors(long from, long to, Arena arena) {
            DType type = scales.info().dtype();
            MemorySegment stored = arena.allocate((to - from) * type.bytes());
            scales.shard().read(scales.info(), from * type.bytes(), stored);
            float[] factors = new float[Math.toIntExact(to - from)];
            for (int i = 0; i < factors.length; i++) {
                factors[i] = switch (type) {
                    case F32 -> stored.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i);
                    case BF16 -> BFloat16.toFloat(stored.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * i));
                    case F16 -> Float.float16ToFloat(stored.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * i));
                    default -> powerOfTwo(stored.get(ValueLayout.JAVA_BYTE, i));
                };
            }
            return factors;
        }
    }
}
