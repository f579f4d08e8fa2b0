package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.GeneratedModel;
import io.octavo.engine.GoldenLogits;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.QuantizationResult;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.VerificationReport.ModuleError;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.number.DType;
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

    /** The Linears of three layers (four of Gemma 3), and what stays: the head, and a router in each layer of a mixture. */
    @ParameterizedTest
    @CsvSource({
        "llama3-rope, 21, 1",
        "mistral, 21, 1",
        "qwen2, 21, 1",
        "qwen3, 21, 1",
        "qwen3-moe, 48, 4",
        "mixtral, 48, 7",
        "phi3, 12, 1",
        "olmo2, 21, 1",
        "gemma2, 21, 1",
        "gemma3, 28, 1",
    })
    void runsAfterQuantization(String name, int quantized, int ignored, @TempDir Path folder) throws IOException {
        Path model = GeneratedModel.write(name, folder.resolve("source"));
        Path golden = GeneratedModel.golden(name);
        // Weights and inputs lose so much each, and every layer adds to it. Mixtures lose more: a token between two
        // experts may go to the other, and random experts have nothing in common.
        check(
                model,
                golden,
                "FP8_DYNAMIC",
                quantized,
                ignored,
                0.02,
                0.03,
                ignored == 1 ? 0.2 : 0.4,
                folder.resolve("fp8"));
        check(
                model,
                golden,
                "W4A16_G32",
                quantized,
                ignored,
                0.06,
                0.12,
                ignored == 1 ? 0.6 : 0.9,
                folder.resolve("int4"));
    }

    private static void check(
            Path model,
            Path golden,
            String scheme,
            int quantized,
            int ignored,
            double leastError,
            double mostError,
            double mostLogitError,
            Path target)
            throws IOException {
        try (Backend backend = Backends.cpu(2)) {
            var request = new QuantizationRequest(model, target, new Recipe(scheme, CompressedTensors.NAME, List.of()));
            QuantizationResult result = new Quantizer(backend, 2).quantize(request, JobMonitor.none());

            assertThat(result.quantizedModules()).isEqualTo(quantized);
            assertThat(result.verification().passed()).isTrue();
            assertThat(result.verification().modules())
                    .extracting(ModuleError::relativeError)
                    .allSatisfy(error -> assertThat(error).isBetween(leastError, mostError));
            assertThat(GoldenLogits.relativeError(backend, target, golden)).isBetween(0.01, mostLogitError);
        }
        assertIgnoresWhatIsKept(target, ignored);
    }

    /** What stays in 16 bits is listed, and nothing else. */
    private static void assertIgnoresWhatIsKept(Path target, int count) {
        try (Checkpoint checkpoint = Checkpoint.open(target)) {
            JsonNode quantization = checkpoint.config().quantizationConfig().orElseThrow();
            var ignored = new TreeSet<String>();
            quantization.path("ignore").forEach(name -> ignored.add(name.stringValue()));
            assertThat(ignored).hasSize(count).contains("lm_head");
            assertThat(ignored).allMatch(name -> name.equals("lm_head") || name.endsWith(".gate"));
            for (String tensor : checkpoint.names()) {
                String module = tensor.substring(0, tensor.lastIndexOf('.'));
                boolean linear = module.contains("_proj") || module.matches(".*\\.(gate|w[123])");
                if (linear && tensor.endsWith(".weight")) {
                    boolean kept = checkpoint.tensor(tensor).dtype() == DType.BF16;
                    assertThat(kept).as(tensor).isEqualTo(ignored.contains(module));
                }
            }
        }
    }
}
