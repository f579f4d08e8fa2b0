package io.octavo.kernels.internal;

/** Philox4x32 with ten rounds: random words from a counter and a key (Salmon et al., "Parallel random numbers", SC 2011). */
public final class Philox {

    private static final int ROUNDS = 10;
    private static final int MULTIPLIER_0 = 0xD2511F53;
    private static final int MULTIPLIER_1 = 0xCD9E8D57;
    private static final int WEYL_0 = 0x9E3779B9;
    private static final int WEYL_1 = 0xBB67AE85;

    private Philox() {}

    /** Four words for a counter of four and a key of two. */
    public static int[] words(int[] counter, int key0, int key1) {
        int[] x = counter.clone();
        for (int round = 0; round < ROUNDS; round++) {
            long product0 = Integer.toUnsignedLong(MULTIPLIER_0) * Integer.toUnsignedLong(x[0]);
            long product1 = Integer.toUnsignedLong(MULTIPLIER_1) * Integer.toUnsignedLong(x[2]);
            int roundKey0 = key0 + round * WEYL_0;
            int roundKey1 = key1 + round * WEYL_1;
            x[0] = (int) (product1 >>> Integer.SIZE) ^ x[1] ^ roundKey0;
            x[1] = (int) product1;
            x[2] = (int) (product0 >>> Integer.SIZE) ^ x[3] ^ roundKey1;
            x[3] = (int) product0;
        }
        return x;
    }
}
