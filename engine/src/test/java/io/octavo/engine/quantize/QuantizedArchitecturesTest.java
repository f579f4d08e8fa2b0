package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.GoldenLogits;
import io.octavo.engine.JobMonitor;
import io.octavo.engine.QuantizationRequest;
import io.octavo.engine.QuantizationResult;
import io.octavo.engine.TestModels;
import io.octavo.engine.VerificationReport.ModuleError;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.CompressedTensors;
import io.octavo.kernels.Backend;
import io.octavo.kernels.Backends;
import io.octavo.kernels.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Every architecture all the way: quantize, verify, load what was written, run it. */
class QuantizedArchitecturesTest {

    /** The Linears of three layers (two of Llama), and what stays: the head, and a router in each layer of a mixture. */
    @ParameterizedTest
    @CsvSource({
        "llama3-rope, 21, 1",
        "mistral-swa, 21, 1",
        "qwen2, 21, 1",
        "qwen3, 21, 1",
        "qwen3-moe, 84, 4",
        "mixtral, 48, 4",
        "phi3, 12, 1",
        "olmo2, 21, 1",
        "gemma2, 21, 1",
        "gemma3, 21, 1",
    })
    void runsAfterFp8Dynamic(String name, int quantized, int ignored, @TempDir Path folder) throws IOException {
        Path model = TestModels.shared("models/arch/" + name);
        Path target = folder.resolve("out");
        try (Backend backend = Backends.cpu(2)) {
            var request = new QuantizationRequest(model, target, "FP8_DYNAMIC", CompressedTensors.NAME, List.of());
            QuantizationResult result = new Quantizer(backend, 2).quantize(request, JobMonitor.none());

            assertThat(result.quantizedModules()).isEqualTo(quantized);
            assertThat(result.verification().passed()).isTrue();
            assertThat(result.verification().modules())
                    .extracting(ModuleError::relativeError)
                    .allSatisfy(error -> assertThat(error).isBetween(0.02, 0.03));
            // Weights and inputs lose some 2.6 % each, and each layer adds to it. Mixtures lose more: a token between
            // two experts may go to the other, and random experts have nothing in common.
            assertThat(GoldenLogits.relativeError(backend, target, model)).isBetween(0.01, ignored == 1 ? 0.2 : 0.4);
        }
        assertIgnoresWhatIsKept(target, ignored);
    }

    /** Rounding random weights to 4 bits in groups of 32 moves each module by some 9 %. */
    @ParameterizedTest
    @CsvSource({
        "llama3-rope, 21", "mistral-swa, 21", "qwen2, 21", "qwen3, 21", "qwen3-moe, 84",
        "mixtral, 48", "phi3, 12", "olmo2, 21", "gemma2, 21", "gemma3, 21"
    })
    void runsAfterW4a16InGroupsOf32(String name, int quantized, @TempDir Path folder) throws IOException {
        Path model = TestModels.shared("models/arch/" + name);
        Path target = folder.resolve("out");
        try (Backend backend = Backends.cpu(2)) {
            var request = new QuantizationRequest(model, target, "W4A16_G32", CompressedTensors.NAME, List.of());
            QuantizationResult result = new Quantizer(backend, 2).quantize(request, JobMonitor.none());
            assertThat(result.quantizedModules()).isEqualTo(quantized);
            assertThat(result.verification().passed()).isTrue();
            assertThat(result.verification().modules())
                    .extracting(ModuleError::relativeError)
                    .allSatisfy(error -> assertThat(error).isBetween(0.06, 0.12));
            assertThat(GoldenLogits.relativeError(backend, target, model)).isBetween(0.02, 0.9);
        }
    }

    private static void assertIgnoresWhatIsKept(Path target, int count) {
        try (Checkpoint checkpoint = Checkpoint.open(target)) {
            JsonNode quantization = checkpoint.config().quantizationConfig().orElseThrow();
            var ignored = new TreeSet<String>();
            quantization.path("ignore").forEach(name -> ignored.add(name.stringValue()));
            assertThat(ignored).hasSize(count).contains("lm_head");
            for (String tensor : checkpoint.names()) {
                String module = tensor.replaceFirst("\\.weight$", "");
                boolean linear = module.contains("_proj") || module.matches(".*\\.(gate|w[123])");
                if (linear && !tensor.equals(module)) {
                    assertThat(checkpoint.tensor(tensor))
                            .extracting(Tensor::dtype)
                            .as(tensor)
                            .isEqualTo(ignored.contains(module) ? DType.BF16 : DType.F8_E4M3);
                }
            }
            assertThat(ignored).allMatch(name -> name.equals("lm_head") || name.endsWith(".gate"));
        }
    }
}
