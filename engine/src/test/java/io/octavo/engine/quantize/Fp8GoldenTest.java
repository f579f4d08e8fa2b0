package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.GoldenCheckpoints;
import io.octavo.engine.TestModels;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float8;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

/** FP8_DYNAMIC of books-5m beside what llm-compressor 0.13 saved for the same model. */
class Fp8GoldenTest {

    @TempDir
    static Path folder;

    private static Checkpoint golden;
    private static Checkpoint ours;

    @BeforeAll
    static void quantize() {
        golden = Checkpoint.open(GoldenCheckpoints.of("fp8-dynamic"));
        var request = new QuantizationRequest(
                TestModels.books5m(),
                folder.resolve("fp8"),
                new Recipe("FP8_DYNAMIC", CompressedTensors.NAME, List.of()));
        try (Backend backend = Backends.cpu(2)) {
            new Quantizer(backend, 2).quantize(request, JobMonitor.none());
        }
        ours = Checkpoint.open(request.target());
    }

    @AfterAll
    static void close() {
        if (ours != null) {
            ours.close();
            golden.close();
        }
    }

    @Test
    void everyCodeIsWithinOneStep() {
        for (String name : golden.names()) {
            Tensor expected = golden.tensor(name);
            if (expected.dtype() == DType.F8_E4M3) {
                byte[] actual = ours.tensor(name).segment().toArray(ValueLayout.JAVA_BYTE);
                byte[] codes = expected.segment().toArray(ValueLayout.JAVA_BYTE);
                for (int i = 0; i < codes.length; i++) {
                    assertThat(Math.abs(ordinal(actual[i]) - ordinal(codes[i])))
                            .as("%s[%d]", name, i)
                            .isLessThanOrEqualTo(1);
                }
            }
        }
    }

    /** Codes in the order of the values that they stand for; both zeros are 0. */
    private static int ordinal(byte code) {
        return code < 0 ? -(code & 0x7F) : code;
    }

    @Test
    void everyOtherByteIsEqual() {
        assertThat(ours.names()).isEqualTo(golden.names());
        for (String name : golden.names()) {
            Tensor expected = golden.tensor(name);
            Tensor actual = ours.tensor(name);
            assertThat(actual.dtype()).as(name).isEqualTo(expected.dtype());
            assertThat(actual.shape()).as(name).isEqualTo(expected.shape());
            if (expected.dtype() != DType.F8_E4M3) {
                assertThat(actual.segment().mismatch(expected.segment()))
                        .as(name)
                        .isEqualTo(-1);
            }
        }
    }

    @Test
    void headerIsEqual() {
        assertThat(ours.shards().getFirst().header())
                .isEqualTo(golden.shards().getFirst().header());
    }

    @Test
    void quantizationConfigIsEqualButForItsVersion() {
        ObjectNode expected = config(golden);
        ObjectNode actual = config(ours);
        assertThat(actual).isEqualTo(expected);
    }

    private static ObjectNode config(Checkpoint checkpoint) {
        var config = (ObjectNode)
                checkpoint.config().quantizationConfig().orElseThrow().deepCopy();
        config.remove("version");
        return config;
    }

    /**
     * The reference tool divides in bf16: it rounds the quotient to bf16 before it rounds to E4M3. Doing the same gives
     * its file, which shows that this double rounding is the only difference between its codes and ours.
     */
    @Test
    void dividingInBf16GivesTheReferenceToolsFile() {
        try (Checkpoint source = Checkpoint.open(TestModels.books5m())) {
            for (String name : golden.names()) {
                Tensor expected = golden.tensor(name);
                if (expected.dtype() == DType.F8_E4M3) {
                    byte[] codes = divideInBf16(source.tensor(name), golden.tensor(name + "_scale"));
                    assertThat(codes).as(name).isEqualTo(expected.segment().toArray(ValueLayout.JAVA_BYTE));
                }
            }
        }
    }

    private static byte[] divideInBf16(Tensor weight, Tensor scales) {
        short[] weights = weight.segment().toArray(ValueLayout.JAVA_SHORT_UNALIGNED);
        short[] scaleBits = scales.segment().toArray(ValueLayout.JAVA_SHORT_UNALIGNED);
        int columns = weight.shape().getLast().intValue();
        byte[] codes = new byte[weights.length];
        for (int i = 0; i < codes.length; i++) {
            float scale = BFloat16.toFloat(scaleBits[i / columns]);
            float quotient = BFloat16.toFloat(BFloat16.fromFloat(BFloat16.toFloat(weights[i]) / scale));
            codes[i] = Float8.toE4m3(quotient);
        }
        return codes;
    }
}
