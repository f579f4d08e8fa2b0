package io.octavo.kernels;

import io.octavo.kernels.backend.Backend;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;

/** The GPU that tests run on, where there is one. */
final class CudaDevice {

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
