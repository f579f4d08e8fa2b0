package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the build reads from CUDA files, where there is no compiler to complain. */
class CudaSourcesTest {

    private static List<Path> sources() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of("src/main/cuda"))) {
            return files.filter(file -> file.toString().endsWith(".cu")).toList();
        }
    }

    @Test
    void everyFileNamesItsTargets() throws IOException {
        for (Path source : sources()) {
            assertThat(Files.readString(source))
                    .as("%s", source)
                    .containsPattern("(?m)^// Targets: (all|((sm|compute)_\\d+a?( |$))+)$");
        }
    }

    /** Fatbins lie in one folder. */
    @Test
    void noTwoFilesHaveOneName() throws IOException {
        assertThat(sources().stream().map(Path::getFileName)).isNotEmpty().doesNotHaveDuplicates();
    }
}
