package io.octavo.engine.scheme;

/** The type of a code. */
public sealed interface NumberType {

    int bits();

    /** What the largest magnitude is divided by to get a symmetric scale. */
    float divisor();

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
        public String toString() {
            return "INT" + bits;
        }
    }

    /** One sign bit, then exponent and mantissa. */
    enum FloatType implements NumberType {
        /** Bias 7, largest finite value 448, no infinities. */
        E4M3(8, 448),
        /** 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives. */
        E2M1(4, 6);

        private final int bits;
        private final float largest;

        FloatType(int bits, float largest) {
            this.bits = bits;
            this.largest = largest;
        }

        @Override
        public int bits() {
            return bits;
        }

        /** The largest finite value. */
        @Override
        public float divisor() {
            return largest;
        }
    }
}
