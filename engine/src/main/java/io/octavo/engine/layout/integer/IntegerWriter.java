package io.octavo.engine.layout.integer;

import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.layout.integer.TransposedWeight.CodeOrder;
import io.octavo.engine.layout.weight.ExactNumbers;
import io.octavo.engine.layout.weight.LayoutWriter;
import io.octavo.engine.layout.weight.QuantizationParameters;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.layout.weight.RowChunks;
import io.octavo.engine.layout.weight.StoredNumbers;
import io.octavo.engine.layout.weight.TensorSink;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.kernels.number.DType;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Writes {@code awq} (gemm) and {@code gptq} (both versions): the transpose, packed into 32-bit words. */
public final class IntegerWriter implements LayoutWriter {

    /** Bytes of packed words held at once; a larger weight is read several times. */
    private static final long BAND_BYTES = 64 << 20;

    private static final int WHOLE_ROWS = -1;
    private static final String OUTPUT_HEAD = "lm_head";

    private final Layout layout;
    private final StoredNumbers numbers;
    private final int bits;

    public IntegerWriter(Layout layout, StoredNumbers numbers) {
        this.layout = layout;
        this.numbers = numbers;
        this.bits = numbers.weights().type().bits();
        requireSuitable();
    }

    private void requireSuitable() {
        boolean integers = numbers.weights().type() instanceof NumberType.IntType;
        boolean known = layout == Layout.AWQ ? bits == 4 : bits == 4 || bits == 8;
        boolean grouped = numbers.weights().granularity() instanceof Granularity.PerGroup
                || numbers.weights().granularity() instanceof Granularity.PerChannel;
        if (!integers || !known || !grouped || numbers.inputs().isPresent()) {
            throw ExactNumbers.unsuitable("layout " + layout.id() + " holds weight-only integers of "
                    + (layout == Layout.AWQ ? "4" : "4 or 8")
                    + " bits per group or channel; the checkpoint has weights "
                    + numbers.weights()
                    + numbers.inputs().map(inputs -> " and inputs " + inputs).orElse(""));
        }
        if (numbers.kvCache().isPresent()) {
            throw ExactNumbers.unsuitable("layout " + layout.id() + " cannot hold scales of the KV cache");
        }
        if (numbers.actOrder() && layout == Layout.AWQ) {
            throw ExactNumbers.unsuitable("layout awq cannot hold act-order groups");
        }
    }

    private int groupSize() {
        return numbers.weights().granularity() instanceof Granularity.PerGroup group ? group.size() : WHOLE_ROWS;
    }

    @Override
    public ObjectNode config() {
        ObjectNode config = JsonNodeFactory.instance.objectNode();
        if (layout == Layout.AWQ) {
            config.put("quant_method", "awq")
                    .put("zero_point", true)
                    .put("group_size", groupSize())
                    .put("bits", bits)
                    .put("version", "gemm");
            numbers.leftAlone().forEach(config.putArray("modules_to_not_convert")::add);
            return config;
        }
        config.put("quant_method", "gptq")
                .put("bits", bits)
                .put("group_size", groupSize())
                .put("desc_act", numbers.actOrder())
                .put("sym", numbers.weights().symmetric())
                .put("lm_head", false)
                .put("checkpoint_format", layout.id())
                .put("pack_dtype", "int32");
        List<String> excluded = numbers.leftAlone().stream()
                .filter(module -> !module.equals(OUTPUT_HEAD))
                .toList();
        if (!excluded.isEmpty()) {
            ObjectNode dynamic = config.putObject("dynamic");
            excluded.forEach(module -> dynamic.putObject("-:^" + escaped(module) + "$"));
        }
        return config;
    }

    /** A regular expression that matches exactly this name. */
    private static String escaped(String module) {
        return module.replaceAll("[^A-Za-z0-9_]", "\\\\$0");
    }

    @Override
    public SequencedMap<String, ObjectNode> files() {
        var files = new LinkedHashMap<String, ObjectNode>();
        if (layout != Layout.AWQ) {
            files.put("quantize_config.json", config());
        }
        return files;
    }

    private CodeOrder order() {
        return layout == Layout.AWQ ? CodeOrder.AWQ : CodeOrder.GPTQ;
    }

    private int perWord() {
        return Integer.SIZE / bits;
    }

    @Override
    public List<TensorSpec> tensors(QuantizedLinear linear) {
        if (layout == Layout.AWQ) {
            numbers.requireNotExcluded(linear.module(), layout);
        }
        QuantizedWeight weight = linear.weight();
        String prefix = linear.module() + ".";
        long outFeatures = weight.outFeatures();
        long inFeatures = weight.inFeatures();
        if (outFeatures % perWord() != 0 || (order() == CodeOrder.GPTQ && inFeatures % perWord() != 0)) {
            throw ExactNumbers.unsuitable("module " + linear.module() + ": " + outFeatures + " x " + inFeatures
                    + " does not divide into words of " + perWord() + " codes, as layout " + layout.id() + " needs");
        }
        var scales = new TensorSpec(prefix + QuantizationParameters.SCALES, DType.F16, weight.groups(), outFeatures);
        var zeroPoints = new TensorSpec(
                prefix + QuantizationParameters.QZEROS, DType.I32, weight.groups(), outFeatures / perWord());
        if (layout == Layout.AWQ) {
            return List.of(
                    new TensorSpec(
                            prefix + QuantizationParameters.QWEIGHT, DType.I32, inFeatures, outFeatures / perWord()),
                    zeroPoints,
                    scales);
        }
        return List.of(
                new TensorSpec(prefix + QuantizationParameters.QWEIGHT, DType.I32, inFeatures / perWord(), outFeatures),
                zeroPoints,
                scales,
                new TensorSpec(prefix + QuantizationParameters.GROUP_INDEX, DType.I32, inFeatures));
    }

    @Override
    public List<TensorSpec> kvCacheTensors() {
        return List.of();
    }

    @Override
    public void write(QuantizedLinear linear, TensorSink sink) {
        writeCodes(linear, sink);
        writeZeroPoints(linear, sink);
        writeScales(linear, sink);
        if (layout != Layout.AWQ) {
            writeGroupIndex(linear, sink);
        }
    }

    /** One band of input channels after another, each from all outputs. */
    private void writeCodes(QuantizedLinear linear, TensorSink sink) {
        QuantizedWeight weight = linear.weight();
        int perWord = perWord();
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
            ByteBuffer bytes = ExactNumbers.buffer(Math.multiplyExact(words.length, Integer.BYTES));
            bytes.asIntBuffer().put(words);
            sink.write(
                    linear.module() + "." + QuantizationParameters.QWEIGHT, first * wordsAStep * Integer.BYTES, bytes);
        }
    }

    /** Puts the codes of outputs {@code [top, bottom)} and input channels {@code [from, to)} into the band's words. */
    private void pack(QuantizedWeight weight, long top, long bottom, byte[] codes, int from, int to, int[] words) {
        int columns = Math.toIntExact(weight.inFeatures());
        int outputs = Math.toIntExact(weight.outFeatures());
        int perWord = perWord();
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

    private void writeZeroPoints(QuantizedLinear linear, TensorSink sink) {
        QuantizedWeight weight = linear.weight();
        byte[] zeroPoints = RowChunks.zeroPoints(weight);
        int outputs = Math.toIntExact(weight.outFeatures());
        int groups = weight.groups();
        int perWord = perWord();
        int offset = layout == Layout.GPTQ ? 1 : 0;
        int[] words = new int[groups * (outputs / perWord)];
        for (int output = 0; output < outputs; output++) {
            int shift = order().placeOfOutput(output, perWord) * bits;
            for (int group = 0; group < groups; group++) {
                int stored = zeroPoints[output * groups + group] + (1 << (bits - 1)) - offset;
                if (stored < 0) {
                    throw ExactNumbers.unsuitable("module " + linear.module() + ": zero point 0 in group " + group
                            + " of output " + output + " cannot be stored in layout gptq, which subtracts 1; use "
                            + Layout.GPTQ_V2.id());
                }
                words[group * (outputs / perWord) + output / perWord] |= stored << shift;
            }
        }
        ByteBuffer bytes = ExactNumbers.buffer(Math.multiplyExact(words.length, Integer.BYTES));
        bytes.asIntBuffer().put(words);
        sink.write(linear.module() + "." + QuantizationParameters.QZEROS, 0, bytes);
    }

    private void writeScales(QuantizedLinear linear, TensorSink sink) {
        QuantizedWeight weight = linear.weight();
        float[] scales = RowChunks.scales(weight);
        int outputs = Math.toIntExact(weight.outFeatures());
        int groups = weight.groups();
        float[] transposed = new float[scales.length];
        for (int output = 0; output < outputs; output++) {
            for (int group = 0; group < groups; group++) {
                transposed[group * outputs + output] = scales[output * groups + group];
            }
        }
        String tensor = linear.module() + "." + QuantizationParameters.SCALES;
        sink.write(tensor, 0, ExactNumbers.encode(transposed, transposed.length, DType.F16, tensor));
    }

    private static void writeGroupIndex(QuantizedLinear linear, TensorSink sink) {
        QuantizedWeight weight = linear.weight();
        int columns = Math.toIntExact(weight.inFeatures());
        int size = columns / Math.max(weight.groups(), 1);
        ByteBuffer bytes = ExactNumbers.buffer(Math.multiplyExact(columns, Integer.BYTES));
        weight.groupIndex().ifPresentOrElse(index -> bytes.asIntBuffer().put(index), () -> {
            for (int channel = 0; channel < columns; channel++) {
                bytes.putInt(channel * Integer.BYTES, channel / size);
            }
        });
        sink.write(linear.module() + "." + QuantizationParameters.GROUP_INDEX, 0, bytes);
    }

    @Override
    public void writeKvCache(TensorSink sink) {
        // There are no such tensors.
    }
}
