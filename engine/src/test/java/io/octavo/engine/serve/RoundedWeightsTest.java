package io.octavo.engine.serve;

import static io.octavo.engine.serve.ServingFixture.NEVER;
import static io.octavo.engine.serve.ServingFixture.options;
import static io.octavo.engine.serve.ServingFixture.prompt;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.Engine;
import io.octavo.engine.Engines;
import io.octavo.engine.TestModels;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.scheme.Scheme;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Weights that are rounded while a model is loaded, beside those that were quantized, written and read again. */
class RoundedWeightsTest {

    private static final EngineOptions CPU = new EngineOptions("cpu", 2);
    private static final ServingOptions OPTIONS = options(4, null, null);

    @ParameterizedTest
    @ValueSource(strings = {"FP8_DYNAMIC", "FP8_W8A16", "W8A8", "W8A16_CHANNEL"})
    void areThoseThatQuantizingWrites(String name, @TempDir Path folder) {
        Scheme scheme = Scheme.named(name);
        Path written = folder.resolve("written");
        try (Engine engine = Engines.open(CPU)) {
            var recipe = new Recipe(name, "compressed-tensors", List.of());
            engine.quantize(new QuantizationRequest(TestModels.books5m(), written, recipe), JobMonitor.none());
        }
        List<TokenInfo> rounded = answer(TestModels.books5m(), OPTIONS.rounding(scheme));
        assertThat(rounded).isEqualTo(answer(written, OPTIONS)).isNotEqualTo(answer(TestModels.books5m(), OPTIONS));
        assertCode(written, OPTIONS.rounding(scheme), ErrorCode.ALREADY_QUANTIZED);
    }

    private static List<TokenInfo> answer(Path source, ServingOptions options) {
        var request =
                new CompletionRequest("client", prompt(8, 60), 1, 20, SamplingParameters.greedy(), NEVER, 2, false);
        try (ServedModel model = Engines.serve(CPU, source, options, JobMonitor.none())) {
            return Answer.of(model.submit(request)).only().tokens;
        }
    }

    @Test
    void refusesSchemesThatNeedMore() {
        assertCode(TestModels.books5m(), OPTIONS.rounding(Scheme.named("W4A16")), ErrorCode.SCHEME_UNSUITABLE);
    }

    private static void assertCode(Path source, ServingOptions options, ErrorCode code) {
        assertThatThrownBy(() -> Engines.serve(CPU, source, options, JobMonitor.none()))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(code));
    }
}
