package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.TestModels;
import io.octavo.engine.artifact.BackgroundTasks;
import io.octavo.engine.artifact.SourceHashes;
import io.octavo.engine.artifact.StagingFolder;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.modify.SolvedCodes;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.request.CalibrationData;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Codes that nobody rounded to: rounding's own, fed through as if they were solved, and damaged ones. */
class SolvedCodesTest {

    private static final String MODULE = "model.layers.2.mlp.up_proj";
    private static final int ROWS = 704;

    /** Some chunks a module, so that rows begin in the middle of what was solved. */
    private static final long CHUNK_BYTES = 1 << 16;

    @TempDir
    Path folder;

    private final Backend backend = Backends.cpu(1);

    @AfterEach
    void close() {
        backend.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "FP8_DYNAMIC",
                "FP8",
                "FP8_BLOCK",
                "W8A8",
                "W4A16_G32",
                "W4A16_ASYM_G32",
                "NVFP4A16",
                "MXFP4A16",
                "MXFP8"
            })
    void roundedCodesThatAreFedThroughGiveTheSameBytes(String scheme) throws IOException {
        Path rounded = round(scheme);
        Path written = write(scheme, all(scheme, rounded, true), "solved");
        try (Stream<Path> files = Files.list(rounded)) {
            assertThat(files)
                    .isNotEmpty()
                    .allSatisfy(file ->
                            assertThat(written.resolve(file.getFileName())).hasSameBinaryContentAs(file));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "FP8_DYNAMIC, weight, 704, 4, codes",
        "FP8_DYNAMIC, weight_scale, 704, 4, scales",
        "W4A16_ASYM_G32, weight_packed, 704, 4, codes",
        "W4A16_ASYM_G32, weight_scale, 704, 4, scales",
        "W4A16_ASYM_G32, weight_zero_point, 88, 32, zero points",
        "NVFP4A16, weight_scale, 704, 4, scales"
    })
    void seesOneNumberThatIsNotTheSolvedOne(String scheme, String suffix, int height, int row, String what)
            throws IOException {
        Map<String, SolvedCodes> solved = all(scheme, round(scheme), false);
        Path written = write(scheme, solved, "solved");
        assertThat(verify(scheme, solved, written)).isEmpty();
        String tensor = MODULE + "." + suffix;
        CheckpointFixture.copyOf(written)
                .change(tensor, bytes -> bytes[4 * (bytes.length / height)] ^= 1)
                .write(written);
        assertThat(verify(scheme, solved, written))
                .singleElement()
                .asString()
                .isEqualTo("module " + MODULE + ", row " + row + ": its " + what + " are not those that were solved");
    }

    @Test
    void seesAGlobalScaleThatIsNotTheSolvedOne() throws IOException {
        Map<String, SolvedCodes> solved = all("NVFP4A16", round("NVFP4A16"), false);
        Path written = write("NVFP4A16", solved, "solved");
        solved.computeIfPresent(
                MODULE,
                (module, codes) -> new SolvedCodes(
                        codes.codes(), codes.scales(), codes.zeroPoints(), codes.globalDivisor() * 1.01f, false));
        assertThat(verify("NVFP4A16", solved, written)).anyMatch(failure -> failure.contains(MODULE + ": its global"));
    }

    /** What a solver with a mistake would give. */
    @ParameterizedTest
    @CsvSource({
        "FP8_DYNAMIC, no code",
        "FP8_DYNAMIC, zeroed",
        "W8A8, zeroed",
        "W8A8, negated",
        "W8A8, neighbour",
        "W8A8, reversed",
        "W8A8, large scale",
        "W8A8, small scale",
        "W4A16_G32, zeroed",
        "W4A16_G32, neighbour",
        "W4A16_G32, reversed",
        "NVFP4A16, neighbour",
        "MXFP4A16, reversed"
    })
    void refusesARowThatIsNoSolution(String scheme, String mistake) {
        Map<String, SolvedCodes> solved = all(scheme, round(scheme), false);
        int row = 17;
        solved.computeIfPresent(MODULE, (module, codes) -> damaged(scheme, codes, row, mistake));
        assertThatThrownBy(() -> write(scheme, solved, "solved"))
                .isInstanceOf(QuantizationException.class)
                .hasMessageContaining("module " + MODULE + ", row " + row + ":");
    }

    private static SolvedCodes damaged(String scheme, SolvedCodes solved, int row, String mistake) {
        byte[] codes = solved.codes().toArray(ValueLayout.JAVA_BYTE);
        byte[] scales = solved.scales().toArray(ValueLayout.JAVA_BYTE);
        byte zeros = (byte) (scheme.startsWith("W4") ? 0x88 : 0);
        int rowBytes = codes.length / ROWS;
        byte[] before = codes.clone();
        for (int i = 0; i < rowBytes; i++) {
            int at = row * rowBytes + i;
            codes[at] = switch (mistake) {
                case "no code" -> 0x7F;
                case "zeroed" -> zeros;
                case "negated" -> (byte) -before[at];
                case "neighbour" -> before[at + rowBytes];
                case "reversed" -> before[row * rowBytes + rowBytes - 1 - i];
                default -> before[at];
            };
        }
        // The upper byte of a BF16: its sign and all but the last bit of its exponent.
        int upper = 2 * row + 1;
        scales[upper] = switch (mistake) {
            case "large scale" -> (byte) (scales[upper] + 3);
            case "small scale" -> (byte) (scales[upper] - 3);
            default -> scales[upper];
        };
        return new SolvedCodes(
                MemorySegment.ofArray(codes),
                MemorySegment.ofArray(scales),
                solved.zeroPoints(),
                solved.globalDivisor(),
                false);
    }

    /** As GPTQ leaves them: here and there not the nearest. */
    @Test
    void takesCodesThatAreNotTheNearestOnlyFromThoseWhoSayIt() throws IOException {
        Map<String, SolvedCodes> solved = all("W4A16_G32", round("W4A16_G32"), false);
        solved.computeIfPresent(MODULE, (module, codes) -> moved(codes, false));
        assertThat(verify("W4A16_G32", solved, write("W4A16_G32", solved, "solved")))
                .isEmpty();
        solved.computeIfPresent(MODULE, (module, codes) -> moved(codes, true));
        assertThatThrownBy(() -> write("W4A16_G32", solved, "nearest")).hasMessageContaining(MODULE + ", row 0:");
    }

    /** Every fourth code in the middle of its range by one step. */
    private static SolvedCodes moved(SolvedCodes solved, boolean nearest) {
        byte[] codes = solved.codes().toArray(ValueLayout.JAVA_BYTE);
        for (int i = 0; i < codes.length; i += 2) {
            codes[i] += (byte) ((codes[i] & 0xF) == 8 ? 1 : 0);
        }
        return new SolvedCodes(
                MemorySegment.ofArray(codes), solved.scales(), solved.zeroPoints(), solved.globalDivisor(), nearest);
    }

    @Test
    void refusesOtherSizesAndModulesThatAreNotQuantized() {
        Map<String, SolvedCodes> solved = all("W8A8", round("W8A8"), false);
        SolvedCodes codes = solved.get(MODULE);
        assertThat(codes).isNotNull();
        withPlan("W8A8", plan -> {
            assertThatThrownBy(() -> plan.withSolved(Map.of("model.layers.2.mlp.down_proj", codes)))
                    .hasMessageContaining("scales of model.layers.2.mlp.down_proj are 1408 bytes, not 512");
            assertThatThrownBy(() -> plan.withSolved(Map.of("lm_head", codes))).hasMessageContaining("lm_head");
        });
    }

    /** What blocks of 128 x 128 do not fit. */
    private static List<String> ignore(String scheme) {
        return scheme.equals("FP8_BLOCK") ? List.of("re:.*mlp.*") : List.of();
    }

    private static QuantizationRequest request(String scheme, Path target) {
        var request = new QuantizationRequest(
                TestModels.books5m(), target, new Recipe(scheme, CompressedTensors.NAME, ignore(scheme)));
        return Scheme.named(scheme).needsCalibration()
                ? request.withCalibration(new CalibrationData(TestModels.calibrationTexts(), 1, 16, 0))
                : request;
    }

    private Path round(String scheme) {
        Path rounded = folder.resolve("rounded");
        new Quantizer(backend, 1).quantize(request(scheme, rounded), JobMonitor.none());
        return rounded;
    }

    /** What lies in an artifact, as a solver would hand it over. */
    private static Map<String, SolvedCodes> all(String scheme, Path artifact, boolean nearest) {
        var solved = new HashMap<String, SolvedCodes>();
        try (Checkpoint written = Checkpoint.open(artifact)) {
            var stored = CompressedTensors.read(written);
            withPlan(scheme, plan -> {
                for (Quantize action : plan.quantized()) {
                    ModuleOutputs outputs = action.layout();
                    solved.put(
                            action.module(),
                            new SolvedCodes(
                                    bytes(written, outputs.codes().name()),
                                    bytes(written, outputs.scales().name()),
                                    zeroPoints(
                                            outputs,
                                            stored.find(action.module())
                                                    .orElseThrow()
                                                    .weight()),
                                    outputs.hasGlobalScale()
                                            ? bytes(
                                                            written,
                                                            outputs.globalScale()
                                                                    .name())
                                                    .get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0)
                                            : 1,
                                    nearest));
                }
            });
        }
        return solved;
    }

    private static MemorySegment bytes(Checkpoint written, String tensor) {
        return MemorySegment.ofArray(written.tensor(tensor).segment().toArray(ValueLayout.JAVA_BYTE));
    }

    private static MemorySegment zeroPoints(ModuleOutputs outputs, QuantizedWeight weight) {
        if (!outputs.hasZeroPoints()) {
            return SolvedCodes.noZeroPoints();
        }
        byte[] zeroPoints = new byte[(int) (outputs.scaleRows() * outputs.scaleColumns())];
        weight.readZeroPoints(0, outputs.outFeatures(), zeroPoints);
        return MemorySegment.ofArray(zeroPoints);
    }

    private static void withPlan(String scheme, Consumer<QuantizationPlan> use) {
        try (Checkpoint source = Checkpoint.open(TestModels.books5m())) {
            use.accept(QuantizationPlan.of(source, Scheme.named(scheme), ignore(scheme)));
        }
    }

    private Path write(String scheme, Map<String, SolvedCodes> solved, String name) {
        Path target = folder.resolve(name);
        try (Checkpoint source = Checkpoint.open(TestModels.books5m());
                StagingFolder staging = StagingFolder.beside(target);
                var background = new BackgroundTasks("octavo-hash", 1)) {
            QuantizationPlan plan = QuantizationPlan.of(source, Scheme.named(scheme), ignore(scheme))
                    .withSolved(solved);
            new QuantizationRun(
                            request(scheme, target),
                            source,
                            new SourceHashes(source, source.sideFiles(), List.of(), background),
                            plan,
                            plan.shards(bytes -> bytes),
                            staging,
                            background,
                            JobMonitor.none(),
                            1)
                    .run(() -> backend, CHUNK_BYTES);
        }
        return target;
    }

    private List<String> verify(String scheme, Map<String, SolvedCodes> solved, Path artifact) {
        try (Checkpoint source = Checkpoint.open(TestModels.books5m());
                Checkpoint written = Checkpoint.open(artifact)) {
            QuantizationPlan plan = QuantizationPlan.of(source, Scheme.named(scheme), ignore(scheme))
                    .withSolved(solved);
            try (var verification = new Verification(plan, written, backend, 1)) {
                verification.begin();
                return verification.report(JobMonitor.none(), bytes -> {}).failures();
            }
        }
    }
}
