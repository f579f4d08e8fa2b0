package io.octavo.engine.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.xml.sax.InputSource;

class ErrorReportTest {

    @TempDir
    Path folder;

    private ErrorReport report(String json) throws IOException {
        Files.writeString(folder.resolve("octavo.json"), json);
        return ErrorReport.of(folder);
    }

    private static String module(String name, String error) {
        return "{\"module\":\"" + name + "\",\"relativeError\":" + error + "}";
    }

    private static String json(String... modules) {
        return "{\"label\":\"W4A16\",\"verification\":{\"modules\":[" + String.join(",", modules) + "]}}";
    }

    @Test
    void tellsErrorsByWhatModulesDoAndTheirLayer() throws IOException {
        ErrorReport report = report(json(
                module("model.layers.0.self_attn.q_proj", "0.1"),
                module("model.layers.1.self_attn.q_proj", "0.2"),
                module("model.layers.1.mlp.experts.0.up_proj", "0.3"),
                module("model.layers.1.mlp.experts.1.up_proj", "0.4"),
                module("lm_head", "0.5")));

        assertThat(report.label()).isEqualTo("W4A16");
        assertThat(report.byLayer()).containsOnlyKeys("q_proj", "experts.up_proj");
        assertThat(report.byLayer().get("q_proj")).isEqualTo(Map.of(0, 0.1, 1, 0.2));
        // sqrt((0.09 + 0.16) / 2)
        assertThat(report.byLayer()
                        .getOrDefault("experts.up_proj", new TreeMap<>())
                        .get(1))
                .isCloseTo(0.353553390593, within(1e-9));
        // sqrt((0.04 + 0.09 + 0.16) / 3)
        assertThat(report.overLayers().get(1)).isCloseTo(0.310912635103, within(1e-9));
    }

    @Test
    void drawsALineForEachNameAndNothingThatANameSmugglesIn() throws Exception {
        SortedMap<String, SortedMap<Integer, Double>> lines = new TreeMap<>();
        lines.put("q_proj", new TreeMap<>(Map.of(0, 0.05, 31, 0.1)));
        lines.put("<script>\u0001&\"", new TreeMap<>(Map.of(3, 0.02)));

        Document chart = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(ErrorChart.svg("a <b> & c", lines))));

        assertThat(chart.getElementsByTagName("polyline").getLength()).isEqualTo(2);
        assertThat(chart.getElementsByTagName("script").getLength()).isZero();
        // The largest error, 10 percent, touches the top line; layer 31 lies furthest to the right.
        var largest = (Element) chart.getElementsByTagName("circle").item(2);
        assertThat(largest.getTextContent()).isEqualTo("q_proj, layer 31: 10.00 %");
        assertThat(largest.getAttribute("cy")).isEqualTo("40.0");
        assertThat(largest.getAttribute("cx")).isEqualTo("660.0");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{\"verification\":{\"modules\":[]}}",
                "{\"verification\":{\"modules\":[{\"module\":\"a\",\"relativeError\":\"b\"}]}}",
                "{\"verification\":{\"modules\":[{\"module\":\"a\",\"relativeError\":NaN}]}}",
                "{\"verification\":{\"modules\":[7]}}",
                "[]"
            })
    void refusesWhatTellsNoErrors(String json) {
        assertThatThrownBy(() -> report(json))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CONFIG_INVALID));
    }

    @Test
    void saysWhereItLooked() {
        assertThatThrownBy(() -> ErrorReport.of(folder)).hasMessageContaining(folder + "/octavo.json does not exist");
    }
}
