package io.octavo.engine.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.TestModels;
import io.octavo.engine.artifact.FolderJournal;
import io.octavo.engine.calibrate.CalibrationMemory;
import io.octavo.engine.calibrate.LayerwiseSolver;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.modify.Gptq;
import io.octavo.engine.modify.SmoothQuant;
import io.octavo.engine.quantize.QuantizationPlan;
import io.octavo.engine.quantize.Quantizer;
import io.octavo.engine.request.CalibrationData;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.transformer.BackendMeter;
import io.octavo.engine.transformer.HollowBackend;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is planned beside what a backend is asked for, over whole calibrated jobs. */
class CalibrationMemoryTest {

    private static final Percentage NEAR = Percentage.withPercentage(20);

    /** As it is stored. */
    private static final long LAYER_OF_8B = 2L * 4096 * (2 * 4096 + 2 * 1024 + 3 * 14_336 + 2);

    @TempDir
    Path folder;

    @Test
    void ofASmallModelIsWhatTheLongestTextTakes() {
        assertThat(planned(TestModels.books5m(), recipe("W8A8_STATIC"), 512))
                .isCloseTo(peak(TestModels.books5m(), recipe("W8A8_STATIC"), 512), NEAR);
    }

    /** As many modules at once as there are threads for, if those find them at the same time. */
    @Test
    void ofShortTextsArePiecesOfManyModulesAtOnce() {
        Recipe recipe = recipe("FP8").withModifiers(List.of(new SmoothQuant(0.5)));
        long planned = planned(TestModels.books5m(), recipe, 32);
        assertThat(peak(TestModels.books5m(), recipe, 32)).isBetween(planned / 2, planned);
    }

    @Test
    void ofLayersAsThoseOf8bAreTheirWeights() throws IOException {
        Path source = folder.resolve("8b");
        Files.createDirectories(source);
        SparseCheckpoint.layerOf8b(source);
        Files.copy(TestModels.books5m().resolve("tokenizer.json"), source.resolve("tokenizer.json"));
        assertThat(planned(source, recipe("FP8"), 64)).isCloseTo(peak(source, recipe("FP8"), 64), NEAR);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void ofSolvingIsWhatIsKnownOfTheWidestInput(boolean matchOriginals) throws IOException {
        Path source = folder.resolve("28m");
        write28m(source);
        Recipe recipe = recipe("W4A16").withModifiers(List.of(gptq(matchOriginals)));
        assertThat(planned(source, recipe, 128)).isCloseTo(peak(source, recipe, 128), NEAR);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void ofSolvingLayersAsThoseOf8b(boolean matchOriginals) throws IOException {
        Path source = folder.resolve("8b");
        Files.createDirectories(source);
        SparseCheckpoint.layerOf8b(source);
        Files.copy(TestModels.books5m().resolve("tokenizer.json"), source.resolve("tokenizer.json"));
        Recipe recipe = recipe("W4A16").withModifiers(List.of(gptq(matchOriginals)));
        assertThat(planned(source, recipe, 64)).isCloseTo(solvingPeak(source, recipe, 64), NEAR);
    }

    /** On a processor, beside the layer, which lies in the mapped source but for what was solved of it. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void ofSolvingLayersAsThoseOf8bLittleStaysInMemory(boolean matchOriginals) throws IOException {
        Path source = folder.resolve("8b");
        Files.createDirectories(source);
        SparseCheckpoint.layerOf8b(source);
        Files.copy(TestModels.books5m().resolve("tokenizer.json"), source.resolve("tokenizer.json"));
        Recipe recipe = recipe("W4A16").withModifiers(List.of(gptq(matchOriginals)));
        BackendMeter meter = solving(HollowBackend.open(), source, request(source, recipe, 64));
        assertThat(meter.peakBytes()).isGreaterThan(LAYER_OF_8B + (1L << 30));
        assertThat(meter.peakBytesOfSmall(CalibrationMemory.SPILLED_BYTES)).isLessThan(LAYER_OF_8B + (1L << 30));
    }

    /** Those of the original model, too, where it runs beside the solved one. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void ofTextsThatWaitOnAGpuAreTheirHiddenStates(boolean matchOriginals) throws IOException {
        Path source = folder.resolve("28m");
        write28m(source);
        Recipe recipe = recipe("W4A16").withModifiers(List.of(gptq(matchOriginals)));
        long planned = plannedOnGpu(source, recipe, 5) - plannedOnGpu(source, recipe, 1);
        long peak = solvingPeak(HollowBackend.openGpu(), source, texts(recipe, source, 5))
                - solvingPeak(HollowBackend.openGpu(), source, texts(recipe, source, 1));
        assertThat(planned).isEqualTo(peak).isPositive();
    }

    /** AWQ and the search of alpha need the second moments of every input of a layer. */
    @Test
    void ofWeighingInputsIsTheirMoments() throws IOException {
        Path source = folder.resolve("28m");
        write28m(source);
        Recipe recipe = recipe("W8A8_STATIC").withModifiers(List.of(new SmoothQuant()));
        assertThat(observing(source, recipe, 512)).isCloseTo(peak(source, recipe, 512), NEAR);
    }

    /** Those of a wide model are large, and wherever they lie, the same is found. */
    @Test
    void largeSquaresLieInFiles() throws IOException {
        Path source = folder.resolve("28m");
        write28m(source);
        Recipe recipe = recipe("W4A16").withModifiers(List.of(gptq(true)));
        var spilled = new ArrayList<Long>();
        try (Backend backend = Backends.cpu(2)) {
            new Quantizer(spillingAll(backend, spilled), PreFlight.DEVICE_THREADS)
                    .quantize(request(source, recipe, 128), JobMonitor.none());
            assertThat(spilled).containsOnly(CalibrationMemory.SPILLED_BYTES);
            Path first = Files.move(folder.resolve("out"), folder.resolve("first"));
            new Quantizer(backend, PreFlight.DEVICE_THREADS).quantize(request(source, recipe, 128), JobMonitor.none());
            assertThat(folder.resolve("out/model.safetensors"))
                    .hasSameBinaryContentAs(first.resolve("model.safetensors"));
        }
        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder("28m", "first", "out");
        }
    }

    /** Every buffer, once a job asks for large ones. */
    private static Backend spillingAll(Backend backend, List<Long> asked) {
        return (Backend) Proxy.newProxyInstance(
                Backend.class.getClassLoader(), new Class<?>[] {Backend.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("spilling")) {
                        asked.add((Long) arguments[1]);
                        return backend.spilling((Path) arguments[0], 1);
                    }
                    return method.invoke(backend, arguments);
                });
    }

    private static Gptq gptq(boolean matchOriginals) {
        return new Gptq(Gptq.DEFAULT_DAMPENING, true, true, true, true, matchOriginals);
    }

    private static void write28m(Path folder) throws IOException {
        layerOf28m().write(folder);
        Files.copy(TestModels.books5m().resolve("tokenizer.json"), folder.resolve("tokenizer.json"));
    }

    /** One layer with the shapes of books-28m. */
    private static CheckpointFixture layerOf28m() {
        var random = new Random(28);
        var fixture = new CheckpointFixture().config("""
                {"architectures": ["LlamaForCausalLM"], "hidden_size": 512, "intermediate_size": 1408, "head_dim": 64,
                 "vocab_size": 8192, "rms_norm_eps": 1e-05, "num_hidden_layers": 1, "num_attention_heads": 8,
                 "num_key_value_heads": 4, "max_position_embeddings": 1024, "bos_token_id": 0,
                 "tie_word_embeddings": true, "dtype": "bfloat16"}""");
        String layer = "model.layers.0.";
        random(fixture, random, "model.embed_tokens", 8192, 512);
        random(fixture, random, layer + "self_attn.q_proj", 512, 512);
        random(fixture, random, layer + "self_attn.k_proj", 256, 512);
        random(fixture, random, layer + "self_attn.v_proj", 256, 512);
        random(fixture, random, layer + "self_attn.o_proj", 512, 512);
        random(fixture, random, layer + "mlp.gate_proj", 1408, 512);
        random(fixture, random, layer + "mlp.up_proj", 1408, 512);
        random(fixture, random, layer + "mlp.down_proj", 512, 1408);
        random(fixture, random, layer + "input_layernorm", 512);
        random(fixture, random, layer + "post_attention_layernorm", 512);
        random(fixture, random, "model.norm", 512);
        return fixture;
    }

    private static void random(CheckpointFixture fixture, Random random, String module, long... shape) {
        int count = Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact));
        ByteBuffer bytes = ByteBuffer.allocate(2 * count).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            bytes.putShort(BFloat16.fromFloat((float) random.nextGaussian() / 16));
        }
        List<Long> dimensions = Arrays.stream(shape).boxed().toList();
        fixture.with(module + ".weight", DType.BF16, dimensions, bytes.array());
    }

    private static Recipe recipe(String scheme) {
        return new Recipe(scheme, CompressedTensors.NAME, List.of());
    }

    private QuantizationRequest request(Path source, Recipe recipe, int tokens) {
        return new QuantizationRequest(source, folder.resolve("out"), recipe)
                .withCalibration(new CalibrationData(TestModels.calibrationTexts(), 1, tokens, 0));
    }

    /** All equally long. */
    private QuantizationRequest texts(Recipe recipe, Path source, int count) throws IOException {
        Path lines = folder.resolve(count + ".jsonl");
        Files.writeString(
                lines, "{\"text\": \"%s\"}\n".formatted("word ".repeat(500)).repeat(count));
        return new QuantizationRequest(source, folder.resolve("out"), recipe)
                .withCalibration(new CalibrationData(lines, count, 64, 0));
    }

    private long plannedOnGpu(Path source, Recipe recipe, int texts) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            Recipe calibrated = texts(recipe, source, texts).recipe();
            QuantizationPlan plan = Quantizer.plan(checkpoint, calibrated);
            return PreFlight.calibration(checkpoint, plan, calibrated, DType.BF16)
                    .deviceBytes();
        }
    }

    private long planned(Path source, Recipe recipe, int tokens) {
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            Recipe calibrated = request(source, recipe, tokens).recipe();
            QuantizationPlan plan = Quantizer.plan(checkpoint, calibrated);
            return PreFlight.deviceBytes(plan, PreFlight.calibration(checkpoint, plan, calibrated, DType.F32));
        }
    }

    private long observing(Path source, Recipe recipe, int tokens) {
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            Recipe calibrated = request(source, recipe, tokens).recipe();
            QuantizationPlan plan = Quantizer.plan(checkpoint, calibrated);
            return PreFlight.calibration(checkpoint, plan, calibrated, DType.F32)
                    .deviceBytes();
        }
    }

    /** Of solving alone, without its work. */
    private long solvingPeak(Path source, Recipe recipe, int tokens) {
        return solvingPeak(HollowBackend.open(), source, request(source, recipe, tokens));
    }

    private long solvingPeak(Backend hollow, Path source, QuantizationRequest request) {
        return solving(hollow, source, request).peakBytes();
    }

    private BackendMeter solving(Backend hollow, Path source, QuantizationRequest request) {
        try (Backend backend = hollow;
                Checkpoint checkpoint = Checkpoint.open(source)) {
            var meter = new BackendMeter(backend);
            QuantizationPlan plan = Quantizer.plan(checkpoint, request.recipe());
            Gptq gptq = plan.schemes().solver().orElseThrow();
            var keeping = new LayerwiseSolver.Keeping(new FolderJournal(folder), "solved" + System.nanoTime());
            try (var solver = new LayerwiseSolver(meter.backend(), gptq, JobMonitor.none())) {
                solver.solve(
                        checkpoint,
                        request.calibration().orElseThrow(),
                        plan.solvable(),
                        (layer, arena) -> Map.of(),
                        keeping,
                        share -> {});
            }
            return meter;
        }
    }

    private long peak(Path source, Recipe recipe, int tokens) {
        try (Backend backend = Backends.cpu(2)) {
            var meter = new BackendMeter(backend);
            new Quantizer(meter.backend(), PreFlight.DEVICE_THREADS)
                    .quantize(request(source, recipe, tokens), JobMonitor.none());
            return meter.peakBytes();
        }
    }
}
