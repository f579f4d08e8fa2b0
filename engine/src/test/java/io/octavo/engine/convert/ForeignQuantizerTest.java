package io.octavo.engine.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.Engine;
import io.octavo.engine.Engines;
import io.octavo.engine.TestModels;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.inspect.Inspection;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.QuantizationResult;
import io.octavo.engine.request.Recipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ForeignQuantizerTest {

    @TempDir
    Path folder;

    private QuantizationResult quantize(String scheme, String layout) {
        try (Engine engine = Engines.open(new EngineOptions("cpu", 2))) {
            return engine.quantize(
                    new QuantizationRequest(
                            TestModels.books5m(), folder.resolve("target"), new Recipe(scheme, layout, List.of())),
                    JobMonitor.none());
        }
    }

    @Test
    void writesALayoutOfItsOwnAndTellsWhereTheNumbersComeFrom() throws IOException {
        QuantizationResult result = quantize("FP8_DYNAMIC", "modelopt");
        assertThat(result.label()).isEqualTo("W8A8-FP8-dynamic");
        assertThat(result.quantizedModules()).isEqualTo(28);
        assertThat(result.verification().passed()).isTrue();
        Inspection inspection = Inspection.of(folder.resolve("target"));
        assertThat(inspection.layout()).contains(Layout.MODELOPT);
        assertThat(inspection.disagreement()).isEmpty();
        assertThat(inspection.weightBits()).hasValue(result.weightBits());
        JsonNode provenance = JsonMapper.shared()
                .readTree(folder.resolve("target/octavo.json").toFile());
        assertThat(provenance.at("/source/provenance/scheme").asString()).isEqualTo("FP8_DYNAMIC");
        try (Stream<Path> children = Files.list(folder)) {
            assertThat(children).containsExactly(folder.resolve("target"));
        }
    }

    @Test
    void refusesBeforeAnythingIsReadWhatTheLayoutCannotSay() {
        assertThatThrownBy(() -> quantize("FP8_DYNAMIC", "awq"))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.LAYOUT_UNSUITABLE))
                .hasMessageContaining("layout awq holds weight-only integers of 4 bits");
        assertThat(folder).isEmptyDirectory();
    }
}
