package io.octavo.engine.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.GoldenCheckpoints;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.GivenWeight;
import io.octavo.engine.layout.LayoutFixture;
import io.octavo.engine.layout.QuantizedLayouts;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.layout.weight.InputScale;
import io.octavo.engine.layout.weight.KvCacheScales;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.layout.weight.StoredNumbers;
import io.octavo.engine.plan.PreFlight;
import io.octavo.engine.request.ConversionRequest;
import io.octavo.engine.request.ConversionResult;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.NumberType.FloatType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConverterTest {

    private static final String MODULE = "model.layers.0.mlp.up_proj";
    private static final Quantization INT4 =
            Quantization.stored(new NumberType.IntType(4), new Granularity.PerGroup(8));
    private static final Quantization FP8_TENSOR = Quantization.stored(FloatType.E4M3, new Granularity.PerTensor());

    @TempDir
    Path folder;

    private final Converter converter = new Converter(2);

    /** The source's tensors come back byte for byte from every layout that can hold them. */
    @ParameterizedTest
    @CsvSource({
        "awq, gptq_v2, W4A16-INT4-asym",
        "awq, compressed-tensors, W4A16-INT4-asym",
        "gptq_v2, awq, W4A16-INT4-asym",
        "gptq_v2, compressed-tensors, W4A16-INT4-asym"
    })
    void repacksAsymmetricIntegersThereAndBack(String from, String to, String label) throws IOException {
        assertRoundTrip(integers(Layout.named(from), INT4.asymmetric()), from, to, label);
    }

    @ParameterizedTest
    @CsvSource({
        "gptq, gptq_v2, W4A16-INT4",
        "gptq_v2, gptq, W4A16-INT4",
        "gptq, awq, W4A16-INT4-asym",
        "gptq, compressed-tensors, W4A16-INT4"
    })
    void repacksSymmetricIntegersThereAndBack(String from, String to, String label) throws IOException {
        assertRoundTrip(integers(Layout.named(from), INT4), from, to, label);
    }

    @ParameterizedTest
    @CsvSource({
        "fp8, modelopt, W8A8-FP8-static",
        "modelopt, fp8, W8A8-FP8-static",
        "fp8, compressed-tensors, W8A8-FP8-static",
        "modelopt, compressed-tensors, W8A8-FP8-static"
    })
    void respellsStaticFp8ThereAndBack(String from, String to, String label) throws IOException {
        var stored = new QuantizedLinear(
                MODULE,
                GivenWeight.random(16, 8, FP8_TENSOR, 3),
                Optional.of(FP8_TENSOR),
                Optional.of(InputScale.symmetric(0.0371f)));
        assertRoundTrip(fixture(Layout.named(from), FP8_TENSOR, Optional.of(FP8_TENSOR), stored), from, to, label);
    }

    /** Another quantizer's scales take the place of the source's, in the same layout or in another. */
    @ParameterizedTest
    @CsvSource({"fp8", "modelopt"})
    void takesScalingFactorsFromAFile(String layout) throws IOException {
        var stored = new QuantizedLinear(
                MODULE,
                GivenWeight.random(16, 8, FP8_TENSOR, 3),
                Optional.of(FP8_TENSOR),
                Optional.of(InputScale.symmetric(0.0371f)));
        Path source = fixture(Layout.FP8, FP8_TENSOR, Optional.of(FP8_TENSOR), stored)
                .config("{\"architectures\": [\"X\"], \"num_hidden_layers\": 1}")
                .write(folder.resolve("source"));
        Path factors = Files.writeString(
                folder.resolve("factors.json"),
                "{\"kv_cache\":{\"dtype\":\"float8_e4m3fn\",\"scaling_factor\":{\"0\":{\"0\":0.25}}},"
                        + "\"activation\":{\"dtype\":\"float8_e4m3fn\",\"scaling_factor\":{\"0\":{\"0\":0.5}}}}");
        Path target = folder.resolve("there");
        ConversionResult result = converter.convert(
                new ConversionRequest(source, target, layout, Optional.of(factors)), JobMonitor.none());
        assertThat(result.label()).isEqualTo("W8A8-FP8-static-KV8");
        try (Checkpoint checkpoint = Checkpoint.open(target)) {
            QuantizedModules modules = QuantizedLayouts.read(checkpoint);
            assertThat(modules.find(MODULE).orElseThrow().inputScale()).contains(InputScale.symmetric(0.5f));
            assertThat(modules.kvCache().orElseThrow().byLayer())
                    .isEqualTo(Map.of(0, new KvCacheScales.Layer(List.of(0.25f), List.of(0.25f))));
        }
    }

    /** Told from headers, before a conversion is queued, and by the conversion itself. */
    @Test
    void refusesWhatHasTheLayoutAlreadyOrNone() throws IOException {
        Path same = integers(Layout.AWQ, INT4.asymmetric()).write(folder.resolve("same"));
        Path plain = new CheckpointFixture()
                .withBf16(MODULE + ".weight", List.of(1L, 2L), 1, 2)
                .write(folder.resolve("plain"));
        assertRefused(same, "the source has layout awq already");
        assertRefused(plain, "the source is not quantized");
    }

    private void assertRefused(Path source, String why) {
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            assertThatThrownBy(() -> PreFlight.conversion(checkpoint, "awq"))
                    .isInstanceOfSatisfying(
                            QuantizationException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.LAYOUT_UNSUITABLE))
                    .hasMessageContaining(why);
        }
        assertThatThrownBy(() -> convert(source, "there", "awq")).hasMessageContaining(why);
    }

    private LayoutFixture integers(Layout layout, Quantization quantization) {
        GivenWeight weight = GivenWeight.random(16, 24, quantization, 5);
        if (!quantization.symmetric()) {
            weight = weight.withZeroPoint(0, 3);
        }
        return fixture(
                layout,
                quantization,
                Optional.empty(),
                new QuantizedLinear(MODULE, weight, Optional.empty(), Optional.empty()));
    }

    private static LayoutFixture fixture(
            Layout layout, Quantization weights, Optional<Quantization> inputs, QuantizedLinear linear) {
        var numbers = new StoredNumbers(weights, inputs, List.of("lm_head"), Optional.empty(), DType.F32, false);
        var fixture = new LayoutFixture(layout, numbers, linear);
        fixture.checkpoint()
                .withBf16("model.norm.weight", List.of(2L), 1, 2)
                .withBf16(MODULE + ".bias", List.of(1L), 3);
        return fixture;
    }

    private void assertRoundTrip(LayoutFixture fixture, String from, String to, String label) throws IOException {
        Path source = fixture.write(folder.resolve("source"));
        Files.writeString(source.resolve("tokenizer.json"), "{}");
        ConversionResult there = convert(source, "there", to);
        assertThat(there.label()).isEqualTo(label);
        assertThat(there.sourceLayout()).isEqualTo(from);
        assertThat(there.convertedModules()).isEqualTo(1);
        assertThat(there.untouchedTensors()).isEqualTo(2);
        assertThat(there.files()).extracting(file -> file.path()).contains("tokenizer.json", "octavo.json");
        convert(folder.resolve("there"), "back", from);
        assertThat(tensors(folder.resolve("back"))).isEqualTo(tensors(source));
        assertThat(Files.mismatch(source.resolve("config.json"), folder.resolve("back/config.json")))
                .isEqualTo(-1);
    }

    private ConversionResult convert(Path source, String target, String layout) {
        ConversionResult result =
                converter.convert(new ConversionRequest(source, folder.resolve(target), layout), JobMonitor.none());
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            assertThat(PreFlight.conversion(checkpoint, layout))
                    .as("bytes that headers tell")
                    .isBetween(result.outputBytes() / 4, result.outputBytes());
        }
        return result;
    }

    /** Names, types, shapes and bytes. */
    private static Map<String, String> tensors(Path checkpoint) {
        var tensors = new TreeMap<String, String>();
        try (Checkpoint opened = Checkpoint.open(checkpoint)) {
            opened.stored()
                    .forEach((name, stored) -> tensors.put(
                            name,
                            stored.info().dtype() + " " + stored.info().shape() + " "
                                    + stored.shard()
                                            .segment(stored.info())
                                            .asByteBuffer()
                                            .hashCode()));
        }
        return tensors;
    }

    /** What the reference tool wrote: codes of one layout, scales of the other's type, and back to the same bytes. */
    @ParameterizedTest
    @CsvSource({
        "fp8-dynamic, modelopt",
        "fp8-static-kv, fp8",
        "fp8-static-kv, modelopt",
        "w4a16-rtn, gptq",
        "w4a16-rtn, gptq_v2",
        "w4a16-rtn, awq",
        "w4a16-asym-rtn, awq",
        "w4a16-asym-rtn, gptq_v2",
        "w8a16-rtn, gptq",
        "nvfp4, modelopt"
    })
    void repacksTheGoldenCheckpointsThereAndBack(String name, String layout) {
        Path source = GoldenCheckpoints.of(name);
        convert(source, "there", layout);
        convert(folder.resolve("there"), "back", "compressed-tensors");
        assertThat(tensors(folder.resolve("back"))).isEqualTo(tensors(source));
    }

    @ParameterizedTest
    @CsvSource({
        "fp8-dynamic, fp8, layout fp8 holds E4M3 weights per tensor",
        "fp8-dynamic, awq, layout awq holds weight-only integers of 4 bits",
        "w8a8-dynamic-rtn, gptq, weight-only",
        "w8a16-rtn, awq, of 4 bits",
        "mxfp4, modelopt, NVFP4",
        "fp8-dynamic, compressed-tensors, has layout compressed-tensors already"
    })
    void refusesWhatTheLayoutCannotHold(String name, String layout, String reason) {
        Path source = GoldenCheckpoints.of(name);
        assertUnsuitable(source, layout, reason);
    }

    /** vLLM computes with the size of experts' groups, and takes no null for it. */
    @ParameterizedTest
    @CsvSource({"model.layers.0.mlp.experts.0.up_proj, -1", "model.layers.0.mlp.up_proj, null"})
    void spellsWholeRowsOfExpertsAsVllmReadsThem(String module, String size) throws IOException {
        Quantization rows = Quantization.stored(new NumberType.IntType(4), new Granularity.PerChannel());
        var linear =
                new QuantizedLinear(module, GivenWeight.random(16, 24, rows, 5), Optional.empty(), Optional.empty());
        Path source = fixture(Layout.GPTQ, rows, Optional.empty(), linear).write(folder.resolve("source"));
        convert(source, "there", "compressed-tensors");
        try (Checkpoint there = Checkpoint.open(folder.resolve("there"))) {
            assertThat(there.config()
                            .tree()
                            .at("/quantization_config/config_groups/group_0/weights/group_size")
                            .toString())
                    .isEqualTo(size);
        }
    }

    /** vLLM would refuse the file, or read what is not there. */
    @ParameterizedTest
    @CsvSource({
        "gptq, 8, 8, compressed-tensors, has 8-bit integers in groups; choose W8A16_CHANNEL",
        "gptq, 4, 24, awq, has a scale a channel"
    })
    void refusesExpertsThatVllmDoesNotTakeInTheLayout(String from, int bits, int group, String to, String why)
            throws IOException {
        Quantization integers = Quantization.stored(
                new NumberType.IntType(bits),
                group == 24 ? new Granularity.PerChannel() : new Granularity.PerGroup(group));
        var linear = new QuantizedLinear(
                "model.layers.0.mlp.experts.0.up_proj",
                GivenWeight.random(16, 24, integers, 5),
                Optional.empty(),
                Optional.empty());
        Path source =
                fixture(Layout.named(from), integers, Optional.empty(), linear).write(folder.resolve("source"));
        assertUnsuitable(source, to, "module model.layers.0.mlp.experts.0.up_proj is an expert");
        assertUnsuitable(source, to, why);
    }

    @Test
    void refusesUnquantizedSources() throws IOException {
        Path source = new CheckpointFixture()
                .withBf16("model.norm.weight", List.of(2L), 1, 2)
                .write(folder.resolve("plain"));
        assertUnsuitable(source, "awq", "is not quantized");
    }

    private void assertUnsuitable(Path source, String layout, String reason) {
        assertThatThrownBy(() -> convert(source, "there", layout))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.LAYOUT_UNSUITABLE))
                .hasMessageContaining(reason);
        assertThat(folder.resolve("there")).doesNotExist();
    }

    @Test
    void knowsItsLayouts() {
        assertThatThrownBy(() -> convert(folder, "there", "gguf"))
                .hasMessage("layout gguf; allowed: compressed-tensors, fp8, awq, gptq, gptq_v2, modelopt");
    }

    @Test
    void leavesNothingBehindWhenCancelled() throws IOException {
        Path source = integers(Layout.AWQ, INT4.asymmetric()).write(folder.resolve("source"));
        var monitor = JobMonitor.stoppedBy(() -> true);
        Path target = folder.resolve("targets/there");
        assertThatThrownBy(() -> converter.convert(new ConversionRequest(source, target, "gptq_v2"), monitor))
                .isInstanceOf(JobCancelledException.class);
        assertThat(folder.resolve("targets")).isEmptyDirectory();
    }

    @Test
    void splitsIntoShardsWithAnIndex() throws IOException {
        Path source = integers(Layout.AWQ, INT4.asymmetric()).write(folder.resolve("source"));
        new Converter(1, 64)
                .convert(new ConversionRequest(source, folder.resolve("there"), "gptq_v2"), JobMonitor.none());
        assertThat(folder.resolve("there/model.safetensors.index.json")).exists();
        convert(folder.resolve("there"), "back", "awq");
        assertThat(tensors(folder.resolve("back"))).isEqualTo(tensors(source));
    }
}
