package io.octavo.engine.scheme;

import io.octavo.kernels.number.CodeFormat;
import java.util.Arrays;
import java.util.Optional;

/** The type of a code. */
public sealed interface NumberType {

    int bits();

    /** What the largest magnitude is divided by to get a symmetric scale. */
    float divisor();

    /** What a byte stands for as a code, before scaling; NaN where it is none. */
    float number(byte code);

    /** Two's complement, {@code -2^(bits-1)} to {@code 2^(bits-1) - 1}. */
    record IntType(int bits) implements NumberType {
        public IntType {
            if (bits < 2 || bits > 8) {
                throw new IllegalArgumentException("integer codes have 2 to 8 bits: " + bits);
            }
        }

        /** Half the range's width, the convention of compressed-tensors: 127.5 for 8 bits, so 127.5 clips to 127. */
        @Override
        public float divisor() {
            return ((1 << bits) - 1) / 2.0f;
        }

        @Override
        public float number(byte code) {
            int half = 1 << (bits - 1);
            return code >= -half && code < half ? code : Float.NaN;
        }

        @Override
        public String toString() {
            return "INT" + bits;
        }
    }

    /** One sign bit, then exponent and mantissa. */
    enum FloatType implements NumberType {
        /** Bias 7, largest finite value 448, no infinities. */
        E4M3(CodeFormat.E4M3),
        /** 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives. */
        E2M1(CodeFormat.E2M1);

        private final CodeFormat codes;

        FloatType(CodeFormat codes) {
            this.codes = codes;
        }

        /** The type that compressed-tensors means by a float of so many bits. */
        public static Optional<FloatType> ofBits(int bits) {
            return Arrays.stream(values()).filter(type -> type.bits() == bits).findFirst();
        }

        /** How codes of this type lie in memory. */
        public CodeFormat codes() {
            return codes;
        }

        @Override
        public int bits() {
            return codes.bits();
        }

        @Override
        public float number(byte code) {
            return Byte.toUnsignedInt(code) >>> codes.bits() == 0 ? codes.number(code) : Float.NaN;
        }

        /** The largest finite value. */
        @Override
        public float divisor() {
            return codes.highest();
        }
    }
}
