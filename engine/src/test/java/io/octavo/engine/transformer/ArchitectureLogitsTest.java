package io.octavo.engine.transformer;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.GeneratedModel;
import io.octavo.engine.GoldenLogits;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every architecture, and every way of spelling its config.json that has been read wrongly, beside the logits that
 * transformers 5.18 computed in float32 from the same weights. The {@code bare} ones leave out every key that has a default.
 */
class ArchitectureLogitsTest {

    /** Both sides accumulate in f32 in orders of their own; sums of a few hundred terms differ by some 1e-6. */
    private static final double TOLERANCE = 1e-4;

    static List<String> cases() throws IOException {
        try (Stream<Path> files = Files.list(GeneratedModel.golden(""))) {
            return files.filter(Files::isDirectory)
                    .map(folder -> folder.getFileName().toString())
                    .sorted()
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void areThoseOfTransformers(String name, @TempDir Path folder) throws IOException {
        Path model = GeneratedModel.write(name, folder);
        try (Backend backend = Backends.cpu(2)) {
            assertThat(GoldenLogits.relativeError(backend, model, GeneratedModel.golden(name)))
                    .isLessThan(TOLERANCE);
        }
    }
}
