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
import java.util.List;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * A checkpoint that was published in 8-bit floats, as DeepSeek, Kimi, MiniMax and Mistral do: E4M3 weights with a {@code
 * weight_scale_inv} for each block, or one for all, by which they are multiplied. Its weights are read as BF16, rounded
 * once, which is how their publishers expand them.
 *
 * @param blockRows rows of a weight that share scales; 0 where all do
 * @param blockColumns columns, likewise
 */
public record Fp8Source(Checkpoint checkpoint, int blockRows, int blockColumns) {

    private static final String WEIGHT_END = ".weight";
    private static final String SCALE_END = ".weight_scale_inv";
    private static final String INPUT_SCALE_END = ".activation_scale";
    private static final Set<String> FORMATS = Set.of("", "e4m3", "float8_e4m3fn");

    /** Headers and config suffice; empty for checkpoints that are quantized otherwise or not at all. */
    public static Optional<Fp8Source> of(Checkpoint checkpoint) {
        JsonNode config = checkpoint.config().quantizationConfig().orElse(null);
        if (config == null
                || !config.path("quant_method").asString("").equals("fp8")
                || !FORMATS.contains(config.path("fmt").asString(""))
                || checkpoint.names().stream().noneMatch(name -> name.endsWith(SCALE_END))) {
            return Optional.empty();
        }
        JsonNode block = config.path("weight_block_size");
        if (block.isMissingNode() || block.isNull()) {
            return Optional.of(new Fp8Source(checkpoint, 0, 0));
        }
        boolean valid = block.size() == 2 && block.valueStream().allMatch(size -> size.isInt() && size.intValue() > 0);
        return valid
                ? Optional.of(new Fp8Source(
                        checkpoint, block.get(0).intValue(), block.get(1).intValue()))
                : Optional.empty();
    }

    /** Whether a tensor belongs to the 8-bit form alone. */
    public boolean isPartOfTheForm(String tensor) {
        return tensor.endsWith(SCALE_END) || tensor.endsWith(INPUT_SCALE_END);
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
        StoredTensor scales = info.name().endsWith(WEIGHT_END)
                ? checkpoint
                        .stored()
                        .get(info.name().substring(0, info.name().length() - WEIGHT_END.length()) + SCALE_END)
                : null;
        if (scales == null || info.shape().size() != 2 || !fits(scales.info(), info.shape())) {
            throw new QuantizationException(
                    ErrorCode.QUANTIZATION_UNSUPPORTED,
                    "tensor " + info.name() + " of F8_E4M3 " + info.shape() + " has no " + SCALE_END.substring(1)
                            + " that fits it"
                            + (scales == null ? "" : ", but " + scales.info().spec()));
        }
        long rows = info.shape().getFirst();
        long columns = info.shape().getLast();
        var expanded = new TensorInfo(info.name(), DType.BF16, info.shape(), 0, 2 * info.byteSize());
        return Optional.of(new Expanded(
                weight,
                expanded,
                scales,
                blockRows == 0 ? Math.max(rows, 1) : blockRows,
                blockColumns == 0 ? Math.max(columns, 1) : blockColumns));
    }

    private boolean fits(TensorInfo scales, List<Long> shape) {
        boolean numbers = scales.dtype() == DType.F32 || scales.dtype() == DType.BF16;
        List<Long> grid = blockRows == 0
                ? List.of()
                : List.of(Math.ceilDiv(shape.getFirst(), (long) blockRows), Math.ceilDiv(shape.getLast(), (long)
                        blockColumns));
        boolean one = blockRows == 0 && scales.shape().equals(List.of(1L));
        return numbers && (one || scales.shape().equals(grid));
    }

    /** @param info of the numbers that the codes stand for */
    private record Expanded(
            StoredTensor tensor, TensorInfo info, StoredTensor scales, long blockRows, long blockColumns)
            implements TensorView {

        @Override
        public void read(long from, MemorySegment target) {
            long first = from / DType.BF16.bytes();
            long count = target.byteSize() / DType.BF16.bytes();
            if (count == 0) {
                return;
            }
            long columns = info.shape().getLast();
            long grid = Math.ceilDiv(columns, blockColumns);
            long firstScale = first / columns / blockRows * grid;
            long endScale = ((first + count - 1) / columns / blockRows + 1) * grid;
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment codes = arena.allocate(count);
                tensor.shard().read(tensor.info(), first, codes);
                float[] factors = factors(firstScale, endScale, arena);
                for (long i = 0; i < count; i++) {
                    long row = (first + i) / columns;
                    long column = (first + i) % columns;
                    int factor = (int) (row / blockRows * grid + column / blockColumns - firstScale);
                    float number = Float8.fromE4m3(codes.get(ValueLayout.JAVA_BYTE, i)) * factors[factor];
                    target.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * i, BFloat16.fromFloat(number));
                }
            }
        }

        private float[] factors(long from, long to, Arena arena) {
            DType type = scales.info().dtype();
            MemorySegment stored = arena.allocate((to - from) * type.bytes());
            scales.shard().read(scales.info(), from * type.bytes(), stored);
            float[] factors = new float[Math.toIntExact(to - from)];
            for (int i = 0; i < factors.length; i++) {
                factors[i] = type == DType.F32
                        ? stored.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i)
                        : BFloat16.toFloat(stored.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * i));
            }
            return factors;
        }
    }
}
