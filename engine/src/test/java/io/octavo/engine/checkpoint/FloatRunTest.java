package io.octavo.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Against conversions number by number. */
class FloatRunTest {

    private static final int ALL = 1 << 16;

    @ParameterizedTest
    @EnumSource(names = {"BF16", "F16"})
    void everyNumberIsReadFromWhereverItLies(DType type) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment numbers = arena.allocate(2L * ALL);
            for (int i = 0; i < ALL; i++) {
                numbers.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) i);
            }
            float[] read = new float[ALL + 2];
            FloatRun.read(numbers, type, 3, read, 5, ALL - 3);
            for (int i = 3; i < ALL; i++) {
                float expected = type == DType.BF16 ? BFloat16.toFloat((short) i) : Float.float16ToFloat((short) i);
                assertThat(Float.floatToIntBits(read[i + 2])).isEqualTo(Float.floatToIntBits(expected));
            }
            assertThat(Arrays.copyOf(read, 5)).containsOnly(0);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16", "F16"})
    void numbersOfAllSizesAreRoundedOnce(DType type) {
        var random = new SplittableRandom(1);
        float[] special = {
            0,
            -0f,
            Float.NaN,
            -Float.NaN,
            Float.intBitsToFloat(0x7F800001),
            Float.POSITIVE_INFINITY,
            Float.NEGATIVE_INFINITY,
            Float.MAX_VALUE,
            -Float.MAX_VALUE,
            Float.MIN_VALUE,
            65519,
            65520,
            Float.intBitsToFloat(0x3F808000),
            Float.intBitsToFloat(0x3F818000),
            Float.intBitsToFloat(0x3F808001)
        };
        float[] values = new float[9000];
        IntStream.range(0, values.length)
                .forEach(i -> values[i] = i < special.length ? special[i] : Float.intBitsToFloat(random.nextInt()));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment numbers = arena.allocate((values.length + 1L) * type.bytes());
            FloatRun.write(values, values.length, numbers, type, 1);
            for (int i = 0; i < values.length; i++) {
                int stored = type == DType.F32
                        ? numbers.get(ValueLayout.JAVA_INT_UNALIGNED, 4L * (i + 1))
                        : numbers.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * (i + 1));
                int expected = switch (type) {
                    case BF16 -> BFloat16.fromFloat(values[i]);
                    case F16 -> Float.floatToFloat16(values[i]);
                    default -> Float.floatToRawIntBits(values[i]);
                };
                assertThat(stored).as("%x", Float.floatToRawIntBits(values[i])).isEqualTo(expected);
            }
            assertThat(numbers.asSlice(0, type.bytes()).toArray(ValueLayout.JAVA_BYTE))
                    .containsOnly(0);
        }
    }

    @Test
    void theLargestMagnitudeIsFoundWhereverItIs() {
        for (int at : new int[] {0, 4095, 4096, 8999}) {
            float[] values = new float[9000];
            Arrays.fill(values, -1.5f);
            values[at] = -2.5f;
            assertThat(FloatRun.absmax(values)).isEqualTo(2.5f);
            values[at] = Float.NaN;
            assertThat(FloatRun.absmax(values)).isNaN();
        }
        assertThat(FloatRun.absmax(new float[0])).isZero();
    }

    @Test
    void whatIsReadAndWrittenIsTheSame() {
        float[] values = {1, -2, 0.5f, 3};
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment numbers = arena.allocate(8);
            FloatRun.write(values, 4, numbers, DType.BF16, 0);
            float[] read = new float[4];
            FloatRun.read(numbers, DType.BF16, 0, read, 0, 4);
            assertThat(read).containsExactly(values);
        }
    }
}
