package io.octavo.engine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The twin of the reference tool gives the bytes that the reference tool gave; its own class judges every digest. */
class GoldenCheckpointsTest {

    @ParameterizedTest
    @MethodSource("io.octavo.engine.GoldenCheckpoints#names")
    void haveTheReferenceToolsDigests(String name) {
        assertThat(GoldenCheckpoints.of(name).resolve("model.safetensors")).exists();
    }
}
