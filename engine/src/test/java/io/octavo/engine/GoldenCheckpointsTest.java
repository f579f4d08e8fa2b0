package io.octavo.engine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The twin of the reference tool gives the bytes that the reference tool gave; its own class judges every digest. */
class GoldenCheckpointsTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "fp8-dynamic",
                "fp8-static-kv",
                "mxfp4",
                "nvfp4",
                "w4a16-asym-rtn",
                "w4a16-rtn",
                "w8a16-rtn",
                "w8a8-dynamic-rtn",
                "w8a8-static-rtn"
            })
    void haveTheReferenceToolsDigests(String name) {
        assertThat(GoldenCheckpoints.of(name).resolve("model.safetensors")).exists();
    }
}
