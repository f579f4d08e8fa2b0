package io.octavo.engine.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.report.QualityChart.Point;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;

class QualityChartTest {

    private static final Point SMALL = new Point("small", 100, 0.90);
    private static final Point WORSE = new Point("worse", 150, 0.89);
    private static final Point LARGE = new Point("large", 200, 1.0);

    private static Document parse(String svg) throws Exception {
        return DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void theFrontierIsWhatNoOtherOneBeatsInBoth() {
        assertThat(QualityChart.frontier(List.of(LARGE, WORSE, SMALL), true)).containsExactly(SMALL, LARGE);
        assertThat(QualityChart.frontier(List.of(LARGE, WORSE, SMALL), false)).containsExactly(SMALL, WORSE);
        Point alike = new Point("alike", 100, 0.85);
        assertThat(QualityChart.frontier(List.of(alike, SMALL), true)).containsExactly(SMALL);
        Point twin = new Point("twin", 100, 0.90);
        assertThat(QualityChart.frontier(List.of(SMALL, twin), true)).containsExactly(SMALL, twin);
    }

    @Test
    void everyModelIsAPointInsideTheFrame() throws Exception {
        Document svg = parse(QualityChart.svg("books-5m", "recovery", true, List.of(SMALL, WORSE, LARGE)));
        var circles = svg.getElementsByTagName("circle");
        assertThat(circles.getLength()).isEqualTo(3);
        double[] across = new double[3];
        double[] down = new double[3];
        for (int i = 0; i < 3; i++) {
            across[i] = Double.parseDouble(
                    circles.item(i).getAttributes().getNamedItem("cx").getNodeValue());
            down[i] = Double.parseDouble(
                    circles.item(i).getAttributes().getNamedItem("cy").getNodeValue());
        }
        assertThat(across).isSorted();
        assertThat(across[0]).isBetween(72.0, 836.0);
        assertThat(across[2]).isBetween(72.0, 836.0);
        // Upwards is better: a greater score has a smaller y.
        assertThat(down[2]).isLessThan(down[0]);
        assertThat(down[0]).isLessThan(down[1]);
    }

    @Test
    void namesStayTextAndNothingIsAChartToo() throws Exception {
        String hostile = "<script>alert(1)</script>&\"";
        Document svg = parse(QualityChart.svg(hostile, "recovery", true, List.of(new Point(hostile, 5, 1))));
        assertThat(svg.getElementsByTagName("script").getLength()).isZero();
        assertThat(svg.getDocumentElement().getTextContent()).contains(hostile);
        assertThat(parse(QualityChart.svg("none", "recovery", true, List.of()))
                        .getElementsByTagName("circle")
                        .getLength())
                .isZero();
    }
}
