package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.Engine;
import io.octavo.engine.Engines;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.QuantizationResult;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.VerificationReport.ModuleError;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Weights so small that the type of their scales cannot hold these. */
class SmallWeightsTest {

    private static final String SELF = "model.layers.0.self_attn.";
    private static final String TINY = SELF + "o_proj";
    private static final int SIZE = 128;

    @TempDir
    Path folder;

    /** @param magnitude of the numbers of some rows; the others' is 1/16 */
    private static CheckpointFixture model(DType dtype, float magnitude, int tinyRows) {
        ByteBuffer bytes = ByteBuffer.allocate(SIZE * SIZE * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < SIZE * SIZE; i++) {
            float unit = (i * 2654435761L % 255 - 127) / 128f;
            float number = unit * (i / SIZE < tinyRows ? magnitude : 0x1p-4f);
            switch (dtype) {
                case F16 -> bytes.putShort(Float.floatToFloat16(number));
                case BF16 -> bytes.putShort(BFloat16.fromFloat(number));
                default -> bytes.putFloat(number);
            }
        }
        List<Long> shape = List.of((long) SIZE, (long) SIZE);
        return new CheckpointFixture()
                .config("{\"architectures\": [\"X\"], \"dtype\": \"" + (dtype == DType.F16 ? "float16" : "float32")
                        + "\"}")
                .with(TINY + ".weight", dtype, shape, bytes.array())
                .with("model.layers.0.mlp.down_proj.weight", dtype, shape, new byte[bytes.capacity()]);
    }

    private QuantizationResult quantize(CheckpointFixture model, String scheme, String layout) throws IOException {
        var request = new QuantizationRequest(
                model.write(folder.resolve("source")), folder.resolve("target"), new Recipe(scheme, layout, List.of()));
        try (Engine engine = Engines.open(new EngineOptions("cpu", 2))) {
            return engine.quantize(request, JobMonitor.none());
        }
    }

    private static double error(QuantizationResult result) {
        return result.verification().modules().stream()
                .filter(module -> module.module().equals(TINY))
                .mapToDouble(ModuleError::relativeError)
                .findFirst()
                .orElseThrow();
    }

    /** The last column bounds what rounding to the scheme's codes does to numbers that are spread evenly. */
    @ParameterizedTest
    @CsvSource({
        "FP8_DYNAMIC, 0x1p-20, 128, 0.04",
        "FP8_DYNAMIC, 0x1p-20, 1, 0.04",
        "FP8_W8A16, 0x1p-20, 128, 0.04",
        "W8A8, 0x1p-18, 128, 0.01",
        "W8A8, 0x1p-18, 1, 0.01",
        "NVFP4A16, 0x1p-14, 128, 0.2"
    })
    void getScalesInF32WhereTheFormatTakesThem(String scheme, float magnitude, int rows, double bound)
            throws IOException {
        QuantizationResult result = quantize(model(DType.F16, magnitude, rows), scheme, "compressed-tensors");
        assertThat(error(result)).isBetween(1e-6, bound);
        try (Checkpoint written = Checkpoint.open(folder.resolve("target"))) {
            boolean global = scheme.startsWith("NVFP4");
            assertThat(written.tensor(TINY + (global ? ".weight_global_scale" : ".weight_scale"))
                            .dtype())
                    .isEqualTo(DType.F32);
        }
    }

    @ParameterizedTest
    @CsvSource({"W4A16_G32, 1", "W4A16_CHANNEL, 128", "W8A16, 1", "W4A16_ASYM_G32, 1", "W4AFP8, 1"})
    void areRefusedByNameWhereTheFormatTakesNoOtherScales(String scheme, int rows) {
        assertThatThrownBy(() -> quantize(model(DType.F16, 0x1p-20f, rows), scheme, "compressed-tensors"))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.SCHEME_UNSUITABLE))
                .hasMessageContainingAll("module " + TINY + ", row 0", "F16");
        assertThat(folder.resolve("target")).doesNotExist();
    }

    /** 1 / 127.5 of the largest is less than half the smallest number of F32, or of a few of its bits; of E8M0, 2^-127. */
    @ParameterizedTest
    @CsvSource({
        "W8A8, F32, 0x1p-145, 128, F32",
        "W8A8, F32, 0x1p-145, 1, F32",
        "W8A8, F32, 0x1.3p-139, 1, F32",
        "W8A8, BF16, 0x1p-128, 1, BF16",
        "FP8_DYNAMIC, F32, 0x1p-144, 1, F32",
        "FP8_DYNAMIC, BF16, 0x1p-126, 1, BF16",
        "FP8_W8A16, F32, 0x1p-144, 128, F32",
        "FP8_BLOCK, F32, 0x1p-144, 128, F32",
        "W8A16, F32, 0x1p-145, 1, F32",
        "W4A16_G32, F32, 0x1p-147, 128, F32",
        "W4A16_G32, BF16, 0x1p-132, 1, BF16",
        "W4A16_ASYM_G32, F32, 0x1p-147, 1, F32",
        "MXFP4, F32, 0x1p-132, 128, E8M0",
        "MXFP4A16, BF16, 0x1p-131, 1, E8M0",
        "MXFP8, F32, 0x1p-126, 1, E8M0"
    })
    void areRefusedByNameWhereNoTypeHoldsTheirScales(
            String scheme, DType dtype, float magnitude, int rows, String type) {
        assertRefused(model(dtype, magnitude, rows), scheme, "module " + TINY + ", row ", "too small for " + type);
    }

    @ParameterizedTest
    @CsvSource({"F32, 0x1p-145", "F32, 0x1p-116", "BF16, 0x1p-120"})
    void areRefusedByNameWhereNvfp4CannotDivideByTheirScale(DType dtype, float magnitude) {
        assertRefused(
                model(dtype, magnitude, SIZE), "NVFP4A16", "the weight of " + TINY, "too small for NVFP4's scale");
    }

    /** The outermost code of int4 is 8 / 7.5 of the largest magnitude, E2M1 rounds 5 to 6. */
    @ParameterizedTest
    @CsvSource({
        "W4A16_G32, BF16, 3.38e38",
        "W4A16_CHANNEL, F32, 3.4e38",
        "W8A8, F32, 3.4e38",
        "MXFP4A16, BF16, 3e38",
        "MXFP8, F32, 3.4e38",
        "W4A16_G32, F16, 65504"
    })
    void areNotSoLargeThatRoundingMakesInfinityOfThem(String scheme, DType dtype, float magnitude) {
        assertRefused(model(dtype, magnitude, 1), scheme, "module " + TINY + ", row 0: numbers so large");
    }

    private void assertRefused(CheckpointFixture model, String scheme, String... told) {
        assertThatThrownBy(() -> quantize(model, scheme, "compressed-tensors"))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.SCHEME_UNSUITABLE))
                .hasMessageContainingAll(told);
        assertThat(folder.resolve("target")).doesNotExist();
    }

    /** Where the work is long it is told first; without data, verification tells it soon enough. */
    @ParameterizedTest
    @CsvSource({"W8A8_STATIC, 0x1p-145, true", "W8A8_STATIC, 0x1p-20, false", "W8A8, 0x1p-145, false"})
    void areLookedForBeforeDataIsRun(String scheme, float magnitude, boolean refused) throws IOException {
        Path source = model(DType.F32, magnitude, 1).write(folder.resolve("source"));
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            var plan = QuantizationPlan.of(checkpoint, Scheme.named(scheme), List.of());
            if (refused) {
                assertThatThrownBy(() -> HeldScales.require(plan)).hasMessageContaining("module " + TINY + ", row 0");
            } else {
                HeldScales.require(plan);
            }
        }
    }

    /** Below the smallest normal number of F32 a scale still has hundreds of steps here. */
    @ParameterizedTest
    @CsvSource({
        "W8A8, F32, 0x1p-132, 0.01",
        "FP8_DYNAMIC, F32, 0x1p-131, 0.04",
        "W4A16_G32, F32, 0x1p-134, 0.12",
        "W8A8, BF16, 0x1p-118, 0.01",
        "NVFP4A16, F32, 0x1p-113, 0.2",
        "MXFP4, F32, 0x1p-121, 0.2",
        "MXFP8, F32, 0x1p-115, 0.04"
    })
    void areHeldDownToTheSmallestScaleOfTheType(String scheme, DType dtype, float magnitude, double bound)
            throws IOException {
        assertThat(error(quantize(model(dtype, magnitude, SIZE), scheme, "compressed-tensors")))
                .isBetween(1e-6, bound);
    }

    /** A group that is nothing beside the rest of its row may be lost; what the row computes does not change. */
    @Test
    void mayBeLostBesideLargeOnesOfTheirRow() throws IOException {
        byte[] numbers = new byte[SIZE * SIZE * Float.BYTES];
        ByteBuffer floats = ByteBuffer.wrap(numbers).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < SIZE * SIZE; i++) {
            floats.putFloat((i % 7 - 3) * (i % SIZE < 32 ? Float.MIN_VALUE : 0.01f));
        }
        CheckpointFixture model = model(DType.F32, 1, SIZE)
                .change(TINY + ".weight", bytes -> System.arraycopy(numbers, 0, bytes, 0, bytes.length));
        assertThat(error(quantize(model, "W4A16_G32", "compressed-tensors"))).isLessThan(0.12);
    }

    /** One scale of both would make the smaller module zeros, which verification could not tell from rounding. */
    @ParameterizedTest
    @CsvSource({"NVFP4A16, 0x1p-24, false", "NVFP4A16, 0x1p-14, true", "FP8_DYNAMIC, 0x1p-24, true"})
    void areRefusedByNameBesideLargeOnesThatShareTheirScale(String scheme, float magnitude, boolean held)
            throws IOException {
        CheckpointFixture tiny = model(DType.F32, magnitude, SIZE);
        CheckpointFixture large = model(DType.F32, 1, SIZE);
        var fused = new CheckpointFixture().config(tiny.config());
        for (String part : List.of("q_proj", "k_proj", "v_proj")) {
            (part.equals("k_proj") ? tiny : large)
                    .as(TINY + ".weight", SELF + part + ".weight", DType.F32, List.of((long) SIZE, (long) SIZE))
                    .copy(SELF + part + ".weight", fused)
                    .as(SELF + part + ".weight", TINY + ".weight", DType.F32, List.of((long) SIZE, (long) SIZE));
        }
        if (held) {
            assertThat(quantize(fused, scheme, "compressed-tensors")
                            .verification()
                            .modules())
                    .allSatisfy(module -> assertThat(module.relativeError()).isLessThan(0.2));
        } else {
            assertThatThrownBy(() -> quantize(fused, scheme, "compressed-tensors"))
                    .isInstanceOfSatisfying(
                            QuantizationException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.SCHEME_UNSUITABLE))
                    .hasMessageContaining("module " + SELF + "k_proj: its largest magnitude");
            assertThat(folder.resolve("target")).doesNotExist();
        }
    }

    /** The scales of a row's groups are shares of the module's own, in E4M3: some rows are too small for any. */
    @ParameterizedTest
    @CsvSource({
        "NVFP4A16, 0x1p-27, '1 row became zeros, row 0'",
        "NVFP4A16, 0x1p-12, ",
        "NVFP4A16, 0, ",
        "FP8_DYNAMIC, 0x1p-27, "
    })
    void areToldWhereARowIsLost(String scheme, float magnitude, @Nullable String told) throws IOException {
        var request = new QuantizationRequest(
                model(DType.F32, magnitude, 1).write(folder.resolve("source")),
                folder.resolve("target"),
                new Recipe(scheme, "compressed-tensors", List.of()));
        RecordingMonitor monitor = RecordingMonitor.patient();
        try (Engine engine = Engines.open(new EngineOptions("cpu", 2))) {
            engine.quantize(request, monitor);
        }
        assertThat(monitor.lines)
                .filteredOn(line -> line.contains("zeros"))
                .hasSize(told == null ? 0 : 1)
                .allSatisfy(line -> assertThat(line).contains("module " + TINY, String.valueOf(told)));
    }

    /** As a pruned row has: its scale is the type's epsilon, its codes are zero. */
    @Test
    void mayBeZeroAltogether() throws IOException {
        assertThat(error(quantize(model(DType.F16, 0, 1), "W4A16_G32", "compressed-tensors")))
                .isLessThan(0.1);
    }

    @ParameterizedTest
    @CsvSource({"W4A16_G32, gptq", "W4A16_G32, gptq_v2", "W4A16_ASYM_G32, awq", "W8A16, gptq"})
    void ofF32GetScalesInF16WhereTheLayoutHasNoOthers(String scheme, String layout) throws IOException {
        QuantizationResult result = quantize(model(DType.F32, 0x1p-3f, 64), scheme, layout);
        assertThat(error(result)).isLessThan(0.12);
        assertThatThrownBy(() -> {
                    try (Engine engine = Engines.open(new EngineOptions("cpu", 2))) {
                        engine.quantize(
                                new QuantizationRequest(
                                        model(DType.F32, 0x1p-20f, 1).write(folder.resolve("tiny")),
                                        folder.resolve("other"),
                                        new Recipe(scheme, layout, List.of())),
                                JobMonitor.none());
                    }
                })
                .hasMessageContaining("module " + TINY);
    }
}
