package io.octavo.engine.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.label.Label;
import io.octavo.engine.layout.codec.LayoutWriter;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.layout.weight.InputScale;
import io.octavo.engine.layout.weight.KvCacheScales;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.layout.weight.StoredNumbers;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.NumberType.FloatType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.ScaleType;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class ForeignLayoutsTest {

    private static final String MODULE = "model.layers.0.mlp.up_proj";
    private static final Quantization INT4 = grouped(4, 8);
    private static final Quantization FP8_TENSOR = Quantization.stored(FloatType.E4M3, new Granularity.PerTensor());
    private static final Quantization FP8_CHANNEL = Quantization.stored(FloatType.E4M3, new Granularity.PerChannel());
    private static final Quantization FP8_TOKEN = Quantization.dynamic(FloatType.E4M3, new Granularity.PerToken());
    private static final Quantization BLOCK = Quantization.stored(FloatType.E4M3, new Granularity.PerBlock(4, 8));
    private static final Quantization BLOCK_INPUT = Quantization.dynamic(FloatType.E4M3, new Granularity.PerGroup(8));
    private static final Quantization NVFP4 = Quantization.stored(FloatType.E2M1, new Granularity.PerTensorGroup(16))
            .withScales(ScaleType.E4M3);
    private static final Quantization NVFP4_INPUT = Quantization.dynamic(
                    FloatType.E2M1, new Granularity.PerTensorGroup(16))
            .withScales(ScaleType.E4M3);

    private static final Quantization MXFP8 = Scheme.named("MXFP8").weights();
    private static final Quantization MXFP8_INPUT =
            Scheme.named("MXFP8").inputs().orElseThrow();

    @TempDir
    Path folder;

    private static Quantization grouped(int bits, int size) {
        return Quantization.stored(new NumberType.IntType(bits), new Granularity.PerGroup(size));
    }

    private static Quantization channels(int bits) {
        return Quantization.stored(new NumberType.IntType(bits), new Granularity.PerChannel());
    }

    private static StoredNumbers numbers(Quantization weights, Optional<Quantization> inputs) {
        return new StoredNumbers(weights, inputs, List.of("lm_head"), Optional.empty(), DType.F32, false);
    }

    private static QuantizedLinear linear(QuantizedWeight weight) {
        return new QuantizedLinear(MODULE, weight, Optional.empty(), Optional.empty());
    }

    private static LayoutFixture integers(Layout layout, GivenWeight weight) {
        return new LayoutFixture(layout, numbers(weight.quantization(), Optional.empty()), linear(weight));
    }

    /** Every layout with everything that it can hold, in awkward sizes. */
    static Stream<Arguments> everything() {
        Optional<Quantization> none = Optional.empty();
        return Stream.of(
                Arguments.of(Layout.AWQ, INT4.asymmetric(), none, 24, 40),
                Arguments.of(Layout.AWQ, channels(4).asymmetric(), none, 8, 24),
                Arguments.of(Layout.GPTQ_V2, INT4.asymmetric(), none, 24, 40),
                Arguments.of(Layout.GPTQ_V2, grouped(8, 4).asymmetric(), none, 12, 20),
                Arguments.of(Layout.GPTQ_V2, INT4, none, 16, 8),
                Arguments.of(Layout.GPTQ, INT4, none, 24, 40),
                Arguments.of(Layout.GPTQ, grouped(8, 16), none, 4, 16),
                Arguments.of(Layout.GPTQ, channels(4), none, 8, 16),
                Arguments.of(Layout.GPTQ, channels(8), none, 12, 4),
                Arguments.of(Layout.FP8, FP8_TENSOR, Optional.of(FP8_TENSOR), 5, 7),
                Arguments.of(Layout.FP8, FP8_TENSOR, Optional.of(FP8_TOKEN), 5, 7),
                Arguments.of(Layout.FP8, BLOCK, Optional.of(BLOCK_INPUT), 8, 16),
                Arguments.of(Layout.FP8, BLOCK, Optional.of(BLOCK_INPUT), 9, 17),
                Arguments.of(Layout.MODELOPT, FP8_TENSOR, Optional.of(FP8_TENSOR), 3, 5),
                Arguments.of(Layout.MODELOPT, FP8_CHANNEL, Optional.of(FP8_TOKEN), 3, 5),
                Arguments.of(Layout.MODELOPT, NVFP4, Optional.of(NVFP4_INPUT), 3, 32),
                Arguments.of(Layout.MODELOPT, NVFP4, none, 3, 48),
                Arguments.of(Layout.MODELOPT, MXFP8, Optional.of(MXFP8_INPUT), 3, 96));
    }

    @ParameterizedTest
    @MethodSource("everything")
    void readsBackWhatItWrote(Layout layout, Quantization weights, Optional<Quantization> inputs, int rows, int columns)
            throws IOException {
        GivenWeight weight = GivenWeight.random(rows, columns, weights, 7);
        if (weights.equals(NVFP4)) {
            weight = weight.withGlobalScale(0.00111607f);
        }
        Optional<InputScale> inputScale = inputs.filter(input -> !input.dynamic() || input.equals(NVFP4_INPUT))
                .map(input -> InputScale.symmetric(0.0375f));
        var stored = new QuantizedLinear(MODULE, weight, inputs, inputScale);
        Path written = new LayoutFixture(layout, numbers(weights, inputs), stored).write(folder);
        try (Checkpoint checkpoint = Checkpoint.open(written)) {
            QuantizedModules modules = QuantizedLayouts.read(checkpoint);
            assertThat(modules.byName()).containsOnlyKeys(MODULE);
            QuantizedLinear read = modules.find(MODULE).orElseThrow();
            assertThat(GivenWeight.numbers(read.weight())).isEqualTo(GivenWeight.numbers(weight));
            assertThat(read.inputs()).isEqualTo(inputs);
            assertThat(read.inputScale()).isEqualTo(inputScale);
            assertThat(QuantizedLayouts.layout(checkpoint)).contains(layout);
        }
    }

    @Test
    void readsActOrderGroups() throws IOException {
        int[] index = {1, 0, 1, 1, 0, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 0};
        GivenWeight weight = GivenWeight.random(8, 16, INT4, 3).withGroupIndex(index);
        var numbers = new StoredNumbers(INT4, Optional.empty(), List.of("lm_head"), Optional.empty(), DType.F32, true);
        Path written = new LayoutFixture(Layout.GPTQ, numbers, linear(weight)).write(folder);
        try (Checkpoint checkpoint = Checkpoint.open(written)) {
            assertThat(checkpoint
                            .config()
                            .quantizationConfig()
                            .orElseThrow()
                            .path("desc_act")
                            .booleanValue())
                    .isTrue();
            QuantizedWeight read =
                    QuantizedLayouts.read(checkpoint).find(MODULE).orElseThrow().weight();
            assertThat(GivenWeight.numbers(read)).isEqualTo(GivenWeight.numbers(weight));
        }
        assertThatThrownBy(() -> LayoutWriters.of(Layout.AWQ, numbers)).hasMessageContaining("act-order");
    }

    @ParameterizedTest
    @CsvSource({"fp8, .self_attn.k_scale", "modelopt, .self_attn.k_proj.k_scale"})
    void carriesScalesOfTheKvCache(String layout, String name) throws IOException {
        var layers = new TreeMap<>(Map.of(0, new KvCacheScales.Layer(List.of(0.03f), List.of(0.02f))));
        var cache = new KvCacheScales(FP8_TENSOR, layers);
        var numbers = new StoredNumbers(
                FP8_TENSOR, Optional.of(FP8_TENSOR), List.of("lm_head"), Optional.of(cache), DType.F32, false);
        var stored = new QuantizedLinear(
                MODULE,
                GivenWeight.random(2, 2, FP8_TENSOR, 1),
                Optional.of(FP8_TENSOR),
                Optional.of(InputScale.symmetric(1)));
        Path written = new LayoutFixture(Layout.named(layout), numbers, stored).write(folder);
        try (Checkpoint checkpoint = Checkpoint.open(written)) {
            assertThat(checkpoint.names()).contains("model.layers.0" + name);
            assertThat(QuantizedLayouts.read(checkpoint).kvCache()).contains(cache);
        }
    }

    /** docs/checkpoint-formats.md, sections 5 and 6: worked words. */
    @ParameterizedTest
    @CsvSource({
        "gptq, 4, -8 -7 -6 -5 -4 -3 -2 -1, 76543210",
        "gptq, 4, -8 -7 -1 0 1 2 6 7, FEA98710",
        "gptq, 8, -128 -1 0 127, FF807F00"
    })
    void packsGptqCodesAlongInputs(String layout, int bits, String codes, String word) {
        int[] values = Stream.of(codes.split(" ")).mapToInt(Integer::parseInt).toArray();
        Quantization quantization = grouped(bits, values.length);
        int perWord = Integer.SIZE / bits;
        int[] rows =
                IntStream.range(0, perWord).flatMap(row -> IntStream.of(values)).toArray();
        GivenWeight weight =
                GivenWeight.random(perWord, values.length, quantization, 1).withCodes(rows);
        byte[] written = integers(Layout.named(layout), weight).bytes(MODULE + ".qweight");
        assertThat(word(written, 0)).isEqualTo(word);
    }

    @ParameterizedTest
    @CsvSource({"0 1 2 3 4 5 6 7, 75316420", "0 1 7 8 9 10 14 15, FA81E970"})
    void packsAwqCodesAlongOutputsInItsOwnOrder(String unsigned, String word) {
        int[] signed = Stream.of(unsigned.split(" "))
                .mapToInt(code -> Integer.parseInt(code) - 8)
                .toArray();
        int[] codes = IntStream.range(0, 8 * 8).map(i -> signed[i / 8]).toArray();
        GivenWeight weight = GivenWeight.random(8, 8, INT4.asymmetric(), 1).withCodes(codes);
        for (int output = 0; output < 8; output++) {
            weight = weight.withZeroPoint(output, signed[output]);
        }
        LayoutFixture fixture = integers(Layout.AWQ, weight);
        assertThat(word(fixture.bytes(MODULE + ".qweight"), 3)).isEqualTo(word);
        assertThat(word(fixture.bytes(MODULE + ".qzeros"), 0)).isEqualTo(word);
    }

    @ParameterizedTest
    @CsvSource({"gptq, 4, 77777777", "gptq, 8, 7F7F7F7F", "gptq_v2, 4, 88888888", "gptq_v2, 8, 80808080"})
    void storesSymmetricZeroPointsAsEachVersionDoes(String layout, int bits, String word) {
        LayoutFixture fixture = integers(Layout.named(layout), GivenWeight.random(8, 8, grouped(bits, 8), 1));
        assertThat(word(fixture.bytes(MODULE + ".qzeros"), 0)).isEqualTo(word);
    }

    /** docs/checkpoint-formats.md, section 7: the even column is the low nibble; global scales are reciprocals. */
    @Test
    void packsFloat4PairsAndMultipliers() {
        int[] codes = new int[16];
        codes[0] = 1;
        codes[1] = 0xF;
        codes[2] = 5;
        codes[3] = 8;
        GivenWeight weight =
                GivenWeight.random(1, 16, NVFP4, 1).withCodes(codes).withGlobalScale(1f / 896);
        LayoutFixture fixture = new LayoutFixture(Layout.MODELOPT, numbers(NVFP4, Optional.empty()), linear(weight));
        assertThat(HexFormat.of().formatHex(fixture.bytes(MODULE + ".weight"), 0, 2))
                .isEqualTo("f185");
        float multiplier = ByteBuffer.wrap(fixture.bytes(MODULE + ".weight_scale_2"))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getFloat();
        assertThat(multiplier).isEqualTo(0.00111607f, within(1e-8f));
    }

    private static String word(byte[] bytes, int index) {
        int word = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt(index * Integer.BYTES);
        return "%08x".formatted(word).toUpperCase(Locale.ROOT);
    }

    @Test
    void readsHfQuantConfigWhereConfigJsonIsSilent() throws IOException {
        var stored = new QuantizedLinear(
                MODULE,
                GivenWeight.random(2, 2, FP8_TENSOR, 1),
                Optional.of(FP8_TENSOR),
                Optional.of(InputScale.symmetric(1)));
        LayoutFixture fixture =
                new LayoutFixture(Layout.MODELOPT, numbers(FP8_TENSOR, Optional.of(FP8_TENSOR)), stored);
        fixture.write(folder);
        Files.writeString(folder.resolve("config.json"), "{\"architectures\": [\"LlamaForCausalLM\"]}");
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(QuantizedLayouts.read(checkpoint).byName()).containsOnlyKeys(MODULE);
            assertThat(Label.of(checkpoint).text()).isEqualTo("W8A8-FP8-static");
        }
    }

    /** The two versions differ by one step of every weight; a file that mixes them up is refused. */
    @ParameterizedTest
    @CsvSource({"gptq, gptq_v2", "gptq_v2, gptq"})
    void refusesOneVersionOfGptqTakenForTheOther(String written, String claimed) throws IOException {
        LayoutFixture fixture = integers(Layout.named(written), GivenWeight.random(8, 8, INT4, 1));
        fixture.spoil("\"checkpoint_format\":\"" + written + "\"", "\"checkpoint_format\":\"" + claimed + "\"");
        assertRefused(fixture, "a symmetric weight has 8");
    }

    @Test
    void cannotStoreZeroPointZeroInTheFirstVersionOfGptq() {
        GivenWeight weight = GivenWeight.random(8, 8, INT4.asymmetric(), 1).withZeroPoint(5, -8);
        assertThatThrownBy(() -> integers(Layout.GPTQ, weight))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.LAYOUT_UNSUITABLE))
                .hasMessageContaining("zero point 0 in group 0 of output 5")
                .hasMessageContaining("gptq_v2");
    }

    @Test
    void refusesScalesThatF16CannotHold() {
        GivenWeight weight = GivenWeight.random(8, 8, INT4, 1).withScale(3, 1e-6f);
        assertThatThrownBy(() -> integers(Layout.AWQ, weight))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.LAYOUT_UNSUITABLE))
                .hasMessageContaining("1.0E-6")
                .hasMessageContaining("F16");
    }

    @ParameterizedTest
    @CsvSource({
        "awq, fp8",
        "gptq, fp8",
        "gptq, channel8inputs",
        "fp8, int4",
        "fp8, fp8only",
        "fp8, channel8",
        "modelopt, int4",
        "modelopt, block",
        "awq, int8"
    })
    void refusesWhatALayoutCannotSay(String layout, String kind) {
        StoredNumbers numbers = switch (kind) {
            case "fp8" -> numbers(FP8_TENSOR, Optional.of(FP8_TENSOR));
            case "int4" -> numbers(INT4, Optional.empty());
            case "int8" -> numbers(channels(8), Optional.empty());
            case "fp8only" -> numbers(FP8_TENSOR, Optional.empty());
            case "channel8" -> numbers(FP8_CHANNEL, Optional.of(FP8_TOKEN));
            case "block" -> numbers(BLOCK, Optional.of(BLOCK_INPUT));
            default -> numbers(channels(8), Optional.of(FP8_TOKEN));
        };
        assertThatThrownBy(() -> LayoutWriters.of(Layout.named(layout), numbers))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.LAYOUT_UNSUITABLE));
    }

    @ParameterizedTest
    @CsvSource({"awq", "modelopt"})
    void refusesAnExcludedNameInsideAQuantizedOne(String layout) {
        Quantization weights = layout.equals("awq") ? INT4 : NVFP4;
        var numbers = new StoredNumbers(
                weights,
                Optional.empty(),
                List.of("lm_head", "model.layers.0.mlp.up"),
                Optional.empty(),
                DType.F32,
                false);
        QuantizedLinear linear = linear(GivenWeight.random(8, 16, weights, 1));
        LayoutWriter writer = LayoutWriters.of(Layout.named(layout), numbers);
        assertThatThrownBy(() -> writer.tensors(linear)).hasMessageContaining("would leave both alone");
    }

    @Test
    void excludesModulesFromGptqByName() {
        var numbers = new StoredNumbers(
                INT4, Optional.empty(), List.of("a.b-c.gate", "lm_head"), Optional.empty(), DType.F32, false);
        assertThat(LayoutWriters.of(Layout.GPTQ, numbers)
                        .config(false)
                        .path("dynamic")
                        .propertyNames())
                .containsExactly("-:^a\\.b\\-c\\.gate$");
    }

    /** Config members that say what the tensors do not bear out, or what nobody knows how to read. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "gptq|\"bits\":4|\"bits\":3|bits is 3; supported: 2, 4, 8",
                "gptq|\"bits\":4|\"bits\":8|does not divide",
                "gptq|\"bits\":4|\"bits\":\"4\"|bits is no integer",
                "gptq|\"group_size\":8|\"group_size\":0|group_size is 0",
                "gptq|\"group_size\":8|\"group_size\":16|does not divide",
                "gptq|\"group_size\":8|\"group_size\":7|does not divide",
                "gptq|\"sym\":true|\"sym\":3|sym is 3",
                "gptq|\"pack_dtype\":\"int32\"|\"pack_dtype\":\"int64\"|pack_dtype",
                "gptq|\"checkpoint_format\":\"gptq\"|\"checkpoint_format\":\"marlin\"|marlin",
                "gptq|\"checkpoint_format\":\"gptq\"|\"checkpoint_format\":{}|checkpoint_format is no string",
                "gptq|\"lm_head\":false|\"dynamic\":{\"+:x\":{\"bits\":8}}|dynamic changes modules",
                "gptq|\"quant_method\":\"gptq\"|\"quant_method\":\"hqq\"|quant_method is \"hqq\"; supported",
                "gptq|\"quant_method\":\"gptq\"|\"quant_method\":\"fp8\",\"activation_scheme\":\"dynamic\"|no module",
                "awq|\"version\":\"gemm\"|\"version\":\"gemv\"|version is gemv",
                "awq|\"version\":\"gemm\"|\"version\":[\"gemm\"]|version is no string",
                "awq|\"bits\":4|\"bits\":8|bits is 8; allowed: 4",
                "awq|\"zero_point\":true|\"zero_point\":false|a symmetric weight has 8",
                "fp8|\"activation_scheme\":\"static\"|\"activation_scheme\":\"dynamic\"|does not explain tensor",
                "fp8|\"activation_scheme\":\"static\"|\"activation_scheme\":\"none\"|allowed: static, dynamic",
                "fp8|\"activation_scheme\":\"static\"|\"activation_scheme\":\"static\",\"fmt\":\"e5m2\"|allowed: e4m3",
                "fp8|[\"lm_head\"]|[\"model.layers.0.mlp.up_proj\"]|leaves module model.layers.0.mlp.up_proj alone",
                "fp8|[\"lm_head\"]|\"lm_head\"|no array of strings",
                "fp8|\"activation_scheme\":\"static\"|\"activation_scheme\":\"static\",\"kv_cache_scheme\":1,\"x\":1|"
                        + "num_hidden_layers",
                "fp8|\"activation_scheme\":\"static\"|\"activation_scheme\":\"dynamic\",\"weight_block_size\":[0,1]|"
                        + "two positive integers",
                "fp8|\"activation_scheme\":\"static\"|\"activation_scheme\":\"dynamic\",\"weight_block_size\":[4,4]|"
                        + "has no weight_scale_inv",
                "modelopt|\"quant_algo\":\"FP8\"|\"quant_algo\":\"INT8_SQ\"|supported: FP8",
                "modelopt|\"quant_algo\":\"FP8\"|\"quant_algo\":\"FP8\",\"kv_cache_quant_algo\":[1]|is no string",
                "modelopt|\"quant_algo\":\"FP8\"|\"quant_algo\":\"NVFP4\"|no module",
                "modelopt|\"quant_algo\":\"FP8\"|\"quant_algo\":\"FP8\",\"kv_cache_quant_algo\":\"INT8\"|supported: FP8"
            })
    void refusesConfigsThatTheTensorsDoNotBearOut(String layout, String from, String to, String message)
            throws IOException {
        LayoutFixture fixture = switch (layout) {
            case "awq" -> integers(Layout.AWQ, GivenWeight.random(8, 8, INT4.asymmetric(), 5));
            case "gptq" -> integers(Layout.GPTQ, GivenWeight.random(8, 8, INT4, 5));
            default ->
                new LayoutFixture(
                        Layout.named(layout),
                        numbers(FP8_TENSOR, Optional.of(FP8_TENSOR)),
                        new QuantizedLinear(
                                MODULE,
                                GivenWeight.random(4, 4, FP8_TENSOR, 1),
                                Optional.of(FP8_TENSOR),
                                Optional.of(InputScale.symmetric(1))));
        };
        if (message.equals("num_hidden_layers")) {
            fixture.config("{\"architectures\": [\"X\"]}");
        }
        assertRefused(fixture.spoil(from, to), message);
    }

    @ParameterizedTest
    @CsvSource({
        "qweight, module model.layers.0.mlp.up_proj, it applies to no module",
        "qzeros, has no qzeros, ''",
        "scales, has no scales, ''"
    })
    void refusesModulesThatLackATensor(String missing, String message, String alternative) throws IOException {
        LayoutFixture fixture = integers(Layout.GPTQ, GivenWeight.random(8, 8, INT4, 5));
        fixture.checkpoint().without(MODULE + "." + missing);
        assertRefused(fixture, alternative.isEmpty() ? message : alternative);
    }

    @Test
    void refusesTensorsThatNothingExplains() throws IOException {
        LayoutFixture fixture = integers(Layout.GPTQ, GivenWeight.random(8, 8, INT4, 5));
        fixture.checkpoint().withBf16("model.layers.0.mlp.gate_proj.weight_scale", List.of(1L), 1);
        assertRefused(fixture, "does not explain tensor model.layers.0.mlp.gate_proj.weight_scale");
    }

    @Test
    void refusesGroupsOutOfRange() throws IOException {
        LayoutFixture fixture = integers(Layout.GPTQ, GivenWeight.random(8, 16, INT4, 5));
        fixture.bytes(MODULE + ".g_idx")[4] = 2;
        assertRefused(fixture, "g_idx holds 2 at 1; allowed: 0 to 1");
    }

    @ParameterizedTest
    @CsvSource({"0000, 0.0", "007C, Infinity", "00FE, NaN", "00BC, -1.0"})
    void refusesScalesThatAreNone(String bytes, String shown) throws IOException {
        LayoutFixture fixture = integers(Layout.AWQ, GivenWeight.random(8, 8, INT4, 5));
        byte[] scale = HexFormat.of().parseHex(bytes);
        System.arraycopy(scale, 0, fixture.bytes(MODULE + ".scales"), 6, 2);
        assertRefused(fixture, "scales holds " + shown + " at 3");
    }

    private void assertRefused(LayoutFixture fixture, String message) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(fixture.write(folder))) {
            assertThatThrownBy(() -> QuantizedLayouts.read(checkpoint))
                    .isInstanceOfSatisfying(
                            QuantizationException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.QUANTIZATION_UNSUPPORTED))
                    .hasMessageContaining(message);
        }
    }
}
