package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.Float4;
import io.octavo.kernels.number.Float8;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.junit.jupiter.api.Test;

class NumberFormatsTest {

    private interface Decoder {
        float decode(short bits);
    }

    private interface Encoder {
        byte encode(float value);
    }

    @Test
    void encodesEveryBfloat16AsE4m3LikeTheReferenceTable() throws IOException {
        assertEncodes("float8_e4m3fn_from_bfloat16_saturating.u8", BFloat16::toFloat, Float8::toE4m3);
    }

    @Test
    void encodesEveryFloat16AsE4m3LikeTheReferenceTable() throws IOException {
        assertEncodes("float8_e4m3fn_from_float16_saturating.u8", Float::float16ToFloat, Float8::toE4m3);
    }

    @Test
    void encodesEveryBfloat16AsE5m2LikeTheReferenceTable() throws IOException {
        assertEncodes("float8_e5m2_from_bfloat16_saturating.u8", BFloat16::toFloat, Float8::toE5m2);
    }

    @Test
    void encodesEveryFloat16AsE5m2LikeTheReferenceTable() throws IOException {
        assertEncodes("float8_e5m2_from_float16_saturating.u8", Float::float16ToFloat, Float8::toE5m2);
    }

    @Test
    void decodesEveryCodeLikeTheReferenceTables() throws IOException {
        FloatBuffer e4m3 = floats(SharedFiles.read("rounding/float8_e4m3fn_to_float32.f32"));
        FloatBuffer e5m2 = floats(SharedFiles.read("rounding/float8_e5m2_to_float32.f32"));
        for (int code = 0; code < 256; code++) {
            // Bits: every NaN equals every other, -0 differs from 0.
            assertThat(Float.floatToIntBits(Float8.fromE4m3((byte) code)))
                    .isEqualTo(Float.floatToIntBits(e4m3.get(code)));
            assertThat(Float.floatToIntBits(Float8.fromE5m2((byte) code)))
                    .isEqualTo(Float.floatToIntBits(e5m2.get(code)));
        }
    }

    @Test
    void everyE4m3CodeSurvivesARoundTrip() {
        for (int code = 0; code < 256; code++) {
            boolean nan = (code & 0x7F) == 0x7F;
            byte again = Float8.toE4m3(Float8.fromE4m3((byte) code));
            assertThat(again & (nan ? 0x7F : 0xFF)).isEqualTo(nan ? 0x7F : code);
        }
    }

    @Test
    void roundsF32TiesToTheEvenE4m3Code() {
        // Between 1 and 1.125 the tie is 1.0625: it goes to the even code, its f32 neighbours to the nearer one.
        assertThat(Float8.fromE4m3(Float8.toE4m3(1.0625f))).isEqualTo(1f);
        assertThat(Float8.fromE4m3(Float8.toE4m3(Math.nextUp(1.0625f)))).isEqualTo(1.125f);
        assertThat(Float8.fromE4m3(Float8.toE4m3(1.1875f))).isEqualTo(1.25f);
        assertThat(Float8.toE4m3(Float.MIN_VALUE)).isEqualTo((byte) 0);
        assertThat(Float8.toE4m3(-Float.MIN_VALUE)).isEqualTo((byte) 0x80);
        assertThat(Float8.toE4m3(0x1p-10f))
                .as("tie between 0 and the smallest subnormal")
                .isEqualTo((byte) 0);
        assertThat(Float8.toE4m3(Math.nextUp(0x1p-10f))).isEqualTo((byte) 1);
    }

    @Test
    void everyBfloat16SurvivesARoundTrip() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            float value = BFloat16.toFloat((short) bits);
            if (!Float.isNaN(value)) {
                assertThat(BFloat16.fromFloat(value)).isEqualTo((short) bits);
            }
        }
        assertThat(BFloat16.toFloat(BFloat16.fromFloat(Float.NaN))).isNaN();
        assertThat(BFloat16.toFloat(BFloat16.fromFloat(Float.intBitsToFloat(0x7F800001))))
                .isNaN();
    }

    @Test
    void bfloat16RoundsTiesToEvenAndOverflowsToInfinity() {
        assertThat(BFloat16.toFloat(BFloat16.fromFloat(1 + 0x1p-8f))).isEqualTo(1f);
        assertThat(BFloat16.toFloat(BFloat16.fromFloat(1 + 0x3p-8f))).isEqualTo(1 + 0x1p-6f);
        assertThat(BFloat16.toFloat(BFloat16.fromFloat(Math.nextUp(1 + 0x1p-8f))))
                .isEqualTo(1 + 0x1p-7f);
        assertThat(BFloat16.toFloat(BFloat16.fromFloat(Float.MAX_VALUE))).isEqualTo(Float.POSITIVE_INFINITY);
    }

    private static void assertEncodes(String table, Decoder decoder, Encoder encoder) throws IOException {
        byte[] expected = SharedFiles.read("rounding/" + table);
        byte[] actual = new byte[1 << 16];
        for (int bits = 0; bits < actual.length; bits++) {
            actual[bits] = encoder.encode(decoder.decode((short) bits));
        }
        assertThat(actual).isEqualTo(expected);
    }

    private static FloatBuffer floats(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    }

    @Test
    void e2m1RoundsTiesToTheEvenCode() {
        float[] numbers = {0, 0.25f, 0.26f, 0.75f, 1.25f, 1.75f, 2.5f, 3.5f, 5, 5.01f, 6, 1e9f};
        int[] codes = {0, 0, 1, 2, 2, 4, 4, 6, 6, 7, 7, 7};
        for (int i = 0; i < numbers.length; i++) {
            assertThat(Float4.toE2m1(numbers[i])).as("%s", numbers[i]).isEqualTo((byte) codes[i]);
            assertThat(Float4.toE2m1(-numbers[i])).as("%s", -numbers[i]).isEqualTo((byte) (codes[i] | 8));
        }
        for (int code = 0; code < 16; code++) {
            assertThat(Float4.toE2m1(Float4.fromE2m1(code))).isEqualTo((byte) code);
        }
    }
}
