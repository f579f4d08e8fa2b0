package io.octavo.engine.layout.codec;

import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.codec.TransposedWeight.CodeOrder;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.config.Layout;
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
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * {@code awq} (gemm) and {@code gptq} (both versions): the transpose, in unsigned codes in 32-bit words, with zero points in
 * words along the outputs.
 */
record TransposedCodec(Layout layout) implements WeightCodec {

    /** Bytes of packed words held at once; a larger weight is read several times. */
    private static final long BAND_BYTES = 64 << 20;

    @Override
    public String codes() {
        return QuantizationParameters.QWEIGHT;
    }

    @Override
    public DType codeType() {
        return DType.I32;
    }

    private CodeOrder order() {
        return layout == Layout.AWQ ? CodeOrder.AWQ : CodeOrder.GPTQ;
    }

    /** What a stored zero point is too small by. */
    private int zeroPointOffset() {
        return layout == Layout.GPTQ ? 1 : 0;
    }

    private static int perWord(Quantization weights) {
        return Integer.SIZE / weights.type().bits();
    }

    @Override
    public WeightTensors tensors(ModuleShape shape) {
        int perWord = perWord(shape.weights());
        long outFeatures = shape.outFeatures();
        long inFeatures = shape.inFeatures();
        if (outFeatures % perWord != 0 || (order() == CodeOrder.GPTQ && inFeatures % perWord != 0)) {
            throw ExactNumbers.unsuitable("module " + shape.module() + ": " + outFeatures + " x " + inFeatures
                    + " does not divide into words of " + perWord + " codes, as layout " + layout.id() + " needs");
        }
        String qweight = shape.name(codes());
        return new WeightTensors(
                order() == CodeOrder.AWQ
                        ? new TensorSpec(qweight, DType.I32, inFeatures, outFeatures / perWord)
                        : new TensorSpec(qweight, DType.I32, inFeatures / perWord, outFeatures),
                new TensorSpec(shape.name(QuantizationParameters.SCALES), DType.F16, shape.scaleColumns(), outFeatures),
                new TensorSpec(
                        shape.name(QuantizationParameters.QZEROS),
                        DType.I32,
                        shape.scaleColumns(),
                        outFeatures / perWord),
                null,
                null,
                order() == CodeOrder.AWQ
                        ? null
                        : new TensorSpec(shape.name(QuantizationParameters.GROUP_INDEX), DType.I32, inFeatures));
    }

    @Override
    public QuantizedWeight read(String module, Declaration.Group stored, ModuleCollector tensors) {
        Quantization weights = stored.weights();
        int perWord = perWord(weights);
        Tensor codes = tensors.claim(module, codes(), DType.I32, 2);
        boolean alongOutputs = order() == CodeOrder.AWQ;
        long outFeatures = codes.shape().getLast() * (alongOutputs ? perWord : 1);
        long inFeatures = codes.shape().getFirst() * (alongOutputs ? 1 : perWord);
        long size = weights.granularity() instanceof Granularity.PerGroup group ? group.size() : inFeatures;
        if (inFeatures % size != 0 || outFeatures % perWord != 0) {
            throw Declaration.unsupported("module " + module + ": " + outFeatures + " x " + inFeatures
                    + " does not divide into groups of " + size + " and words of " + perWord + " codes");
        }
        int groups = Math.toIntExact(inFeatures / size);
        WeightTensors specs =
                tensors(new ModuleShape(module, weights, outFeatures, inFeatures, DType.F16, stored.actOrder()));
        Tensor zeroPoints = tensors.claim(Objects.requireNonNull(specs.zeroPoints()));
        ScaleGrid scales = tensors.scales(specs.scales(), 1, outFeatures);
        scales.requirePositive();
        Optional<int[]> index = alongOutputs
                ? Optional.empty()
                : tensors.groupIndex(module, QuantizationParameters.GROUP_INDEX, inFeatures, groups)
                        .filter(groupOf -> IntStream.range(0, groupOf.length)
                                .anyMatch(channel -> groupOf[channel] != channel / size));
        var weight = new TransposedWeight(
                codes, zeroPoints, scales, weights, inFeatures, groups, order(), zeroPointOffset(), index);
        weight.requireZeroPoints();
        return weight;
    }

    @Override
    public void write(QuantizedWeight weight, WeightTensors tensors, TensorSink sink) {
        writeCodes(weight, tensors.codes().name(), sink);
        writeZeroPoints(weight, Objects.requireNonNull(tensors.zeroPoints()).name(), sink);
        writeScales(weight, tensors.scales(), sink);
        if (tensors.groupIndex() != null) {
            sink.write(tensors.groupIndex().name(), 0, CodeTensors.bytes(groupIndex(weight)));
        }
    }

    /** One band of input channels after another, each from all outputs. */
    private void writeCodes(QuantizedWeight weight, String tensor, TensorSink sink) {
        int perWord = perWord(weight.quantization());
        // Words that hold one step of input channels: one channel for AWQ, a word's worth for GPTQ.
        long wordsAStep = layout == Layout.AWQ ? weight.outFeatures() / perWord : weight.outFeatures();
        int channelsAStep = layout == Layout.AWQ ? 1 : perWord;
        long steps = weight.inFeatures() / channelsAStep;
        long stepsABand = Math.clamp(BAND_BYTES / Math.max(wordsAStep * Integer.BYTES, 1), 1, Math.max(steps, 1));
        for (long first = 0; first < steps; first += stepsABand) {
            long last = Math.min(first + stepsABand, steps);
            int[] words = new int[Math.toIntExact((last - first) * wordsAStep)];
            int from = Math.toIntExact(first * channelsAStep);
            int to = Math.toIntExact(last * channelsAStep);
            RowChunks.codes(weight, (top, bottom, codes) -> pack(weight, top, bottom, codes, from, to, words));
            sink.write(tensor, first * wordsAStep * Integer.BYTES, CodeTensors.bytes(words));
        }
    }

    /** Puts the codes of outputs {@code [top, bottom)} and input channels {@code [from, to)} into the band's words. */
    private void pack(QuantizedWeight weight, long top, long bottom, byte[] codes, int from, int to, int[] words) {
        int columns = Math.toIntExact(weight.inFeatures());
        int outputs = Math.toIntExact(weight.outFeatures());
        int bits = weight.quantization().type().bits();
        int perWord = Integer.SIZE / bits;
        int middle = 1 << (bits - 1);
        for (int output = Math.toIntExact(top); output < bottom; output++) {
            int row = Math.toIntExact(output - top) * columns;
            int shift = order().placeOfOutput(output, perWord) * bits;
            for (int channel = from; channel < to; channel++) {
                int unsigned = codes[row + channel] + middle;
                int step = channel - from;
                if (layout == Layout.AWQ) {
                    words[step * (outputs / perWord) + output / perWord] |= unsigned << shift;
                } else {
                    words[step / perWord * outputs + output] |= unsigned << (step % perWord * bits);
                }
            }
        }
    }

    private void writeZeroPoints(QuantizedWeight weight, String tensor, TensorSink sink) {
        byte[] zeroPoints = RowChunks.zeroPoints(weight);
        int bits = weight.quantization().type().bits();
        int outputs = Math.toIntExact(weight.outFeatures());
        int groups = weight.groups();
        int perWord = Integer.SIZE / bits;
        int[] words = new int[groups * (outputs / perWord)];
        for (int output = 0; output < outputs; output++) {
            int shift = order().placeOfOutput(output, perWord) * bits;
            for (int group = 0; group < groups; group++) {
                int stored = zeroPoints[output * groups + group] + (1 << (bits - 1)) - zeroPointOffset();
                if (stored < 0) {
                    throw ExactNumbers.unsuitable("module " + QuantizationParameters.module(tensor)
                            + ": zero point 0 in group " + group + " of output " + output
                            + " cannot be stored in layout gptq, which subtracts 1; use " + Layout.GPTQ_V2.id());
                }
                words[group * (outputs / perWord) + output / perWord] |= stored << shift;
            }
        }
        sink.write(tensor, 0, CodeTensors.bytes(words));
    }

    private static void writeScales(QuantizedWeight weight, TensorSpec tensor, TensorSink sink) {
        float[] scales = RowChunks.scales(weight);
        int outputs = Math.toIntExact(weight.outFeatures());
        int groups = weight.groups();
        float[] transposed = new float[scales.length];
        for (int output = 0; output < outputs; output++) {
            for (int group = 0; group < groups; group++) {
                transposed[group * outputs + output] = scales[output * groups + group];
            }
        }
        sink.write(tensor.name(), 0, ExactNumbers.encode(transposed, transposed.length, tensor.dtype(), tensor.name()));
    }

    private static int[] groupIndex(QuantizedWeight weight) {
        int columns = Math.toIntExact(weight.inFeatures());
        int size = columns / Math.max(weight.groups(), 1);
        return weight.groupIndex()
                .orElseGet(() -> IntStream.range(0, columns)
                        .map(channel -> channel / size)
                        .toArray());
    }
}
