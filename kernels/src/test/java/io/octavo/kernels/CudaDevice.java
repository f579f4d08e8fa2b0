package io.octavo.kernels;

import java.util.Optional;
import org.junit.jupiter.api.Assumptions;

/** The GPU that tests run on, where there is one. */
final class CudaDevice {

    /**
     * Tensor cores of sm_90 align 32 products of 8-bit floats and the sum so far to the largest of them and cut each to 14
     * bits: 33 times 2^-13 of the largest, which among the normally distributed inputs of tests is less than a quarter of
     * what the magnitudes add up to. Every 128 products go on in f32.
     */
    static final double FLOAT8_LOSS = 0x1p-10;

    private static final Optional<String> REASON = probe();

    private CudaDevice() {}

    /** Why no GPU can be used here; empty if one can. */
    static Optional<String> reasonAgainst() {
        return REASON;
    }

    /** Skips the calling test, visibly, where there is no GPU. */
    static Backend open(int threads) {
        Assumptions.assumeTrue(REASON.isEmpty(), () -> "no GPU: " + REASON.orElseThrow());
        return Backends.open("cuda", threads);
    }

    private static Optional<String> probe() {
        try {
            Backends.open("cuda", 1).close();
            return Optional.empty();
        } catch (IllegalStateException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }
}
