package io.octavo.engine.transformer;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.GoldenLogits;
import io.octavo.engine.TestModels;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Logits against those that PyTorch computed in float32 from the same weights. */
class GoldenLogitsTest {

    /** Both sides accumulate in f32 in orders of their own; sums of a few hundred terms differ by some 1e-6. */
    private static final double TOLERANCE = 1e-4;

    @Test
    void matchOnTheExampleModel() throws IOException {
        assertMatches(TestModels.books5m());
    }

    @Test
    void matchOnShardedBooks28m() throws IOException {
        assertMatches(TestModels.shared("models/books-28m"));
    }

    private static void assertMatches(Path model) throws IOException {
        try (Backend backend = Backends.cpu(2)) {
            assertThat(GoldenLogits.relativeError(backend, model, model)).isLessThan(TOLERANCE);
        }
    }
}
