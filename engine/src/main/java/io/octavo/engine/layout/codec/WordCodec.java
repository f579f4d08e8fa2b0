package io.octavo.engine.layout.codec;

import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.weight.CodeTensors;
import io.octavo.engine.layout.weight.ExactNumbers;
import io.octavo.engine.layout.weight.ModuleCollector;
import io.octavo.engine.layout.weight.QuantizationParameters;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.layout.weight.RowChunks;
import io.octavo.engine.layout.weight.ScaleGrid;
import io.octavo.engine.layout.weight.TensorSink;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.number.DType;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.Optional;

/**
 * compressed-tensors' pack-quantized: unsigned integers in 32-bit words along the inputs, each row of whole words, beside
 * the weight's shape; zero points in words along the outputs.
 */
record WordCodec() implements WeightCodec {

    @Override
    public String codes() {
        return QuantizationParameters.WEIGHT_PACKED;
    }

    @Override
    public DType codeType() {
        return DType.I32;
    }

    @Override
    public WeightTensors tensors(ModuleShape shape) {
        boolean perTensor = shape.weights().granularity() instanceof Granularity.PerTensor;
        long groups = shape.scaleColumns();
        return new WeightTensors(
                new TensorSpec(shape.name(codes()), DType.I32, shape.outFeatures(), shape.words(shape.inFeatures())),
                new TensorSpec(
                        shape.name(QuantizationParameters.WEIGHT_SCALE),
                        shape.floats(),
                        perTensor ? new long[] {1} : new long[] {shape.outFeatures(), groups}),
                shape.weights().symmetric()
                        ? null
                        : new TensorSpec(
                                shape.name(QuantizationParameters.WEIGHT_ZERO_POINT),
                                DType.I32,
                                shape.words(shape.outFeatures()),
                                groups),
                null,
                new TensorSpec(shape.name(QuantizationParameters.WEIGHT_SHAPE), DType.I64, 2),
                shape.actOrder()
                        ? new TensorSpec(
                                shape.name(QuantizationParameters.WEIGHT_GROUP_INDEX), DType.I32, shape.inFeatures())
                        : null);
    }

    @Override
    public QuantizedWeight read(String module, Declaration.Group stored, ModuleCollector tensors) {
        Quantization weights = stored.weights();
        if (weights.symmetric()) {
            // Loaders ignore the zero points of symmetric weights.
            tensors.find(module, QuantizationParameters.WEIGHT_ZERO_POINT);
        }
        Tensor said = tensors.claim(module, QuantizationParameters.WEIGHT_SHAPE, DType.I64, 1);
        long rows = said.segment().get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
        long columns = said.segment().get(ValueLayout.JAVA_LONG_UNALIGNED, Long.BYTES);
        if (rows <= 0 || columns <= 0 || rows > Integer.MAX_VALUE || columns > Integer.MAX_VALUE) {
            throw Declaration.unsupported("tensor " + said.name() + " says " + rows + " x " + columns);
        }
        ModuleCollector.requireGroups(module, weights.granularity(), columns);
        var shape = new ModuleShape(module, weights, rows, columns, DType.F32, stored.actOrder());
        WeightTensors specs = tensors(shape);
        ScaleGrid scales = tensors.scales(specs.scales(), shape.tile().rows(), shape.scaleColumns());
        scales.requirePositive();
        TensorSpec zeroPoints = specs.zeroPoints();
        Optional<int[]> groupIndex = stored.actOrder()
                ? tensors.groupIndex(module, QuantizationParameters.WEIGHT_GROUP_INDEX, columns, scales.columns())
                : Optional.empty();
        if (stored.actOrder() && groupIndex.isEmpty()) {
            throw Declaration.unsupported("module " + module + " has no " + QuantizationParameters.WEIGHT_GROUP_INDEX);
        }
        return new PackedIntegers(
                tensors.claim(specs.codes()),
                rows,
                columns,
                weights,
                scales,
                zeroPoints == null ? null : tensors.claim(zeroPoints),
                groupIndex);
    }

    @Override
    public void write(QuantizedWeight weight, WeightTensors tensors, TensorSink sink) {
        writeCodes(weight, tensors.codes().name(), sink);
        CodeTensors.writeScales(weight, tensors.scales(), sink);
        ByteBuffer shape = ExactNumbers.buffer(2 * Long.BYTES)
                .putLong(weight.outFeatures())
                .putLong(weight.inFeatures());
        sink.write(Objects.requireNonNull(tensors.shape()).name(), 0, shape.flip());
        if (tensors.zeroPoints() != null) {
            sink.write(tensors.zeroPoints().name(), 0, zeroPoints(weight));
        }
        if (tensors.groupIndex() != null) {
            sink.write(
                    tensors.groupIndex().name(),
                    0,
                    CodeTensors.bytes(weight.groupIndex().orElseThrow()));
        }
    }

    /** Unsigned codes along the inputs, the first in the lowest bits; rows end with whole words. */
    private static void writeCodes(QuantizedWeight weight, String tensor, TensorSink sink) {
        int bits = weight.quantization().type().bits();
        int columns = Math.toIntExact(weight.inFeatures());
        int perWord = Integer.SIZE / bits;
        int wordsARow = Math.ceilDiv(columns, perWord);
        int middle = 1 << (bits - 1);
        RowChunks.codes(weight, (from, to, codes) -> {
            int rows = Math.toIntExact(to - from);
            ByteBuffer bytes = ExactNumbers.buffer(Math.multiplyExact(rows * wordsARow, Integer.BYTES));
            for (int row = 0; row < rows; row++) {
                for (int first = 0; first < columns; first += perWord) {
                    int word = 0;
                    int count = Math.min(perWord, columns - first);
                    for (int place = 0; place < count; place++) {
                        word |= (codes[row * columns + first + place] + middle) << (place * bits);
                    }
                    bytes.putInt(word);
                }
            }
            sink.write(tensor, from * wordsARow * Integer.BYTES, bytes.flip());
        });
    }

    /** Unsigned zero points, in words along the outputs. */
    private static ByteBuffer zeroPoints(QuantizedWeight weight) {
        byte[] zeroPoints = RowChunks.zeroPoints(weight);
        int bits = weight.quantization().type().bits();
        int groups = weight.groups();
        int outputs = Math.toIntExact(weight.outFeatures());
        int perWord = Integer.SIZE / bits;
        int middle = 1 << (bits - 1);
        int[] words = new int[Math.multiplyExact(Math.ceilDiv(outputs, perWord), groups)];
        for (int output = 0; output < outputs; output++) {
            for (int group = 0; group < groups; group++) {
                int unsigned = zeroPoints[output * groups + group] + middle;
                words[output / perWord * groups + group] |= unsigned << (output % perWord * bits);
            }
        }
        return CodeTensors.bytes(words);
    }
}
