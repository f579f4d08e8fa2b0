package io.octavo.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.quantize.Quantizer;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float8;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class FiniteNumbersTest {

    @TempDir
    Path folder;

    private static TensorInfo tensor(String name, DType dtype, long count) {
        return new TensorInfo(name, dtype, List.of(count), 0, count * dtype.bytes());
    }

    private static void put(MemorySegment numbers, DType dtype, long at, float number) {
        switch (dtype) {
            case F16 -> numbers.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * at, Float.floatToFloat16(number));
            case BF16 -> numbers.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * at, BFloat16.fromFloat(number));
            default -> numbers.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * at, number);
        }
    }

    /** Every 16-bit pattern, against what Java says of the number it stands for. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F16", "BF16"})
    void knowsEveryPattern(DType dtype) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment numbers = arena.allocate(2 * 5);
            for (int bits = 0; bits < 1 << Short.SIZE; bits++) {
                numbers.set(ValueLayout.JAVA_SHORT_UNALIGNED, bits % 5 * 2L, (short) bits);
                float number = dtype == DType.F16 ? Float.float16ToFloat((short) bits) : BFloat16.toFloat((short) bits);
                boolean refused = false;
                try {
                    FiniteNumbers.require(tensor("norm", dtype, 5), 0, numbers);
                } catch (QuantizationException e) {
                    refused = true;
                }
                assertThat(refused).as("%04x", bits).isEqualTo(!Float.isFinite(number));
                numbers.fill((byte) 0);
            }
        }
    }

    /** E4M3 has two patterns for NaN and no infinity; E5M2 is the upper half of F16; E8M0 has one NaN. */
    @Test
    void knowsEveryPatternOfEightBits() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment numbers = arena.allocate(11);
            for (int bits = 0; bits < 1 << Byte.SIZE; bits++) {
                for (int at = 0; at < 11; at++) {
                    numbers.fill((byte) 0x55).set(ValueLayout.JAVA_BYTE, at, (byte) bits);
                    assertFirst(DType.F8_E4M3, numbers, at, Float.isNaN(Float8.fromE4m3((byte) bits)));
                    assertFirst(DType.F8_E5M2, numbers, at, !Float.isFinite(Float.float16ToFloat((short)
                            (bits << Byte.SIZE))));
                    assertFirst(DType.F8_E8M0, numbers, at, bits == 0xFF);
                    assertFirst(DType.U8, numbers, at, false);
                }
            }
        }
    }

    private static void assertFirst(DType dtype, MemorySegment numbers, int at, boolean found) {
        assertThat(FiniteNumbers.first(tensor("norm", dtype, 11), 0, numbers))
                .isEqualTo(found ? OptionalLong.of(at) : OptionalLong.empty());
    }

    @Test
    void knowsNumbersOf64Bits() {
        TensorInfo tensor = tensor("norm", DType.F64, 2);
        assertThat(FiniteNumbers.first(tensor, 0, MemorySegment.ofArray(new double[] {-1e308, Double.NaN})))
                .hasValue(1);
        assertThat(FiniteNumbers.first(tensor, 0, MemorySegment.ofArray(new double[] {-1e308, 1e-320})))
                .isEmpty();
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F16", "BF16", "F32"})
    void findsOneAnywhere(DType dtype) {
        try (Arena arena = Arena.ofConfined()) {
            for (int count = 1; count < 11; count++) {
                for (int at = 0; at < count; at++) {
                    MemorySegment numbers = arena.allocate((long) count * dtype.bytes());
                    for (int i = 0; i < count; i++) {
                        put(numbers, dtype, i, i == at ? Float.NEGATIVE_INFINITY : -60000);
                    }
                    TensorInfo tensor = tensor("model.norm.weight", dtype, count);
                    assertThatThrownBy(() -> FiniteNumbers.require(tensor, 0, numbers))
                            .isInstanceOfSatisfying(
                                    QuantizationException.class,
                                    e -> assertThat(e.code()).isEqualTo(ErrorCode.TENSOR_NOT_FINITE))
                            .hasMessageContaining("model.norm.weight")
                            .hasMessageEndingWith("element " + at);
                    assertThat(FiniteNumbers.first(tensor, 24, numbers)).hasValue(24 / dtype.bytes() + at);
                    put(numbers, dtype, at, -0.0f);
                    assertThatCode(() -> FiniteNumbers.require(tensor, 0, numbers))
                            .doesNotThrowAnyException();
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY})
    void aNormThatIsNotFiniteIsNotPublished(float number) throws IOException {
        Path source = new CheckpointFixture()
                .withBf16("model.layers.0.mlp.up_proj.weight", List.of(2L, 2L), 1, 2, 3, 4)
                .withBf16("model.norm.weight", List.of(3L), 1, number, 1)
                .write(folder.resolve("source"));
        Path target = folder.resolve("target");
        var request =
                new QuantizationRequest(source, target, new Recipe("FP8_DYNAMIC", CompressedTensors.NAME, List.of()));
        try (Backend backend = Backends.cpu(1)) {
            var quantizer = new Quantizer(backend, 1);
            assertThatThrownBy(() -> quantizer.quantize(request, JobMonitor.none()))
                    .hasMessageContaining("tensor model.norm.weight, which is kept, holds NaN or infinity");
        }
        assertThat(target).doesNotExist();
    }

    /** Attention masks are made of them. */
    @Test
    void masksMayHoldInfinities() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment numbers = arena.allocate(4);
            put(numbers, DType.F32, 0, Float.NEGATIVE_INFINITY);
            assertThatCode(() -> FiniteNumbers.require(tensor("attn.causal_mask", DType.F32, 1), 0, numbers))
                    .doesNotThrowAnyException();
        }
    }
}
