package io.octavo.api.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.label.Execution;
import io.octavo.engine.label.VllmServing;
import io.octavo.jobs.artifact.ArtifactRecord;
import io.octavo.jobs.artifact.EvaluationRecord;
import io.octavo.jobs.artifact.Lineage;
import io.octavo.wire.RepositoryFile;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The page is well-formed XML too, so the JDK's parser tells independently what is mark-up in it and what is text. */
class ReportPageTest {

    static final String HOSTILE =
            "</td></table><script>alert('1')</script><img src=x onerror=\"alert(2)\"><a href='javascript:alert(3)'>&lt;&#60;]]>*";
    private static final JsonMapper JSON = JsonMapper.builder().build();

    static ArtifactReport report(String text, String verification) {
        ObjectText t = new ObjectText(text);
        JsonNode result = JSON.readTree("""
                {"source":{"label":%1$s,"tasks":[
                    {"type":"perplexity","name":%1$s,"windows":8,"perplexity":51.0},
                    {"type":"generation","name":"g","prompt":%1$s,"text":%1$s,"newTokens":3},
                    {"type":"smoke","name":"s","passed":false,
                     "checks":[{"name":"loops","passed":false,"value":9,"limit":6,"detail":%1$s}],
                     "texts":[{"prompt":%1$s,"text":%1$s,"baseline":%1$s}]}]},
                 "baseline":{"label":"BF16","tasks":[
                    {"type":"perplexity","name":%1$s,"windows":8,"perplexity":50.0},
                    {"type":"generation","name":"g","prompt":%1$s,"text":"Once","newTokens":3,
                     "sampling":{"temperature":0.8,"seed":7}}]}}
                """.formatted(t.json()));
        return new ArtifactReport(
                new ArtifactRecord(
                        UUID.randomUUID(),
                        UUID.randomUUID(),
                        "octavo/" + text,
                        "main",
                        "hub:octavo/out@main",
                        "W8A8-FP8-dynamic",
                        8.0625,
                        0.987,
                        false,
                        List.of(new Execution("sm_89", "Ada, such as L40S", "W8A8", text)),
                        List.of(text),
                        12_345_678,
                        Instant.EPOCH,
                        List.of(new RepositoryFile(text, 5, "ab")),
                        new Lineage(text, "main", "FP8_DYNAMIC", "compressed-tensors", "1"),
                        List.of(new EvaluationRecord(UUID.randomUUID(), UUID.randomUUID(), Instant.EPOCH, result))),
                new VllmServing("vllm serve " + text, text, List.of(text)),
                JSON.readTree(verification.formatted(t.json())));
    }

    private record ObjectText(String text) {
        String json() {
            return JSON.writeValueAsString(text);
        }
    }

    static final String PASSED = """
            {"passed":true,"untouchedTensors":3,"failures":[],
             "modules":[{"module":%1$s,"relativeError":0.0264,"signalToNoiseDb":31.5}],
             "checks":[{"name":%1$s,"passed":true}]}""";

    private static Document parse(String page) throws Exception {
        return DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new ByteArrayInputStream(page.getBytes(StandardCharsets.UTF_8)));
    }

    private static List<String> texts(Document page, String tag) {
        List<String> found = new ArrayList<>();
        NodeList elements = page.getElementsByTagName(tag);
        for (int i = 0; i < elements.getLength(); i++) {
            found.add(elements.item(i).getTextContent());
        }
        return found;
    }

    @Test
    void whateverUsersNameThingsStaysText() throws Exception {
        Document page = parse(ReportPage.of(report(HOSTILE, PASSED)));
        Set<String> tags = new TreeSet<>();
        Set<String> attributes = new TreeSet<>();
        NodeList all = page.getElementsByTagName("*");
        for (int i = 0; i < all.getLength(); i++) {
            Element element = (Element) all.item(i);
            tags.add(element.getTagName());
            for (int k = 0; k < element.getAttributes().getLength(); k++) {
                attributes.add(element.getAttributes().item(k).getNodeName());
            }
        }
        assertThat(tags).doesNotContain("script", "img", "a");
        assertThat(attributes).containsOnly("class", "charset", "content", "http-equiv", "lang", "name");
        assertThat(texts(page, "h1")).containsExactly("octavo/" + HOSTILE);
        assertThat(texts(page, "li")).contains(HOSTILE);
        assertThat(texts(page, "pre"))
                .containsExactly(
                        "octavo pull octavo/" + HOSTILE + "@main ./" + HOSTILE + "\nvllm serve " + HOSTILE,
                        HOSTILE,
                        HOSTILE,
                        "Once");
        assertThat(texts(page, "td").stream().filter(HOSTILE::equals))
                .as("how, module, task, source, file, and three of smoke inference")
                .hasSize(8);
    }

    @Test
    void whateverFailuresAndFactsSayStaysText() throws Exception {
        Document failed = parse(ReportPage.of(report(HOSTILE, """
                {"passed":false,"failures":[%1$s],"checks":[{"name":%1$s,"passed":false}]}""")));
        assertThat(texts(failed, "span")).containsExactly("failed", "failed");
        assertThat(texts(failed, "li"))
                .as("warning, advice, failure, check, check of smoke inference")
                .containsExactly(HOSTILE, HOSTILE, HOSTILE, "NOT: " + HOSTILE, "NOT: " + HOSTILE);
        Document facts = parse(ReportPage.of(report(HOSTILE, "{%1$s:%1$s}")));
        assertThat(texts(facts, "th")).contains(HOSTILE);
        assertThat(texts(facts, "td").stream().filter(HOSTILE::equals)).hasSize(8);
    }

    @Test
    void showsTheFigures() throws Exception {
        Document page = parse(ReportPage.of(report("plain", PASSED)));
        assertThat(texts(page, "td"))
                .contains("51.000", "50.000", "+2.000 %", "0.026400", "31.500", "FP8_DYNAMIC", "5");
        assertThat(texts(page, "td")).as("how much was asked is no score").doesNotContain("8", "3");
        assertThat(texts(page, "span")).containsExactly("passed", "failed");
        assertThat(texts(page, "p")).contains("Baseline, drawn at temperature 0.8 with seed 7, given: plain");
        assertThat(texts(page, "p").getFirst())
                .isEqualTo(
                        "W8A8-FP8-dynamic, 8.06 bits a weight, 12.3 MB, 98.7 % of the baseline's scores, SMOKE INFERENCE FAILED");
    }

    /** Of two layers with what users named in them: a line of two points, and texts that stay texts. */
    @Test
    void drawsErrorsByLayer() throws Exception {
        ObjectText first = new ObjectText("layers.0." + HOSTILE);
        ObjectText second = new ObjectText("layers.1." + HOSTILE);
        String verification = """
                {"passed":true,"modules":[{"module":%s,"relativeError":0.01},{"module":%s,"relativeError":0.02},
                 {"module":"lm_head","relativeError":0.9},{"module":"layers.1.odd"}]}""".formatted(first.json(), second.json());
        Document page = parse(ReportPage.of(report("x", verification.replace("%", "%%"))));
        assertThat(texts(page, "text"))
                .contains("Errors by layer (relative error in percent)", "0", "1", "2.00", HOSTILE);
        assertThat(texts(page, "title"))
                .contains(HOSTILE + ", layer 0: 1.00 %", HOSTILE + ", layer 1: 2.00 %")
                .hasSize(3);
        assertThat(page.getElementsByTagName("polyline").getLength()).isEqualTo(1);
        assertThat(page.getElementsByTagName("script").getLength()).isZero();
    }

    /** What would turn the text around or break the page's encoding. */
    @Test
    void showsAReplacementForWhatCannotBeShown() throws Exception {
        Document page = parse(ReportPage.of(report("a\u202Eb\u0000c\uD800d", PASSED)));
        assertThat(texts(page, "h1")).containsExactly("octavo/a\uFFFDb\uFFFDc\uFFFDd");
    }

    @Test
    void whatAConversionReportsIsShownAsItIs() throws Exception {
        Document page = parse(ReportPage.of(report("x", "{\"sourceLayout\":\"gptq\",\"convertedModules\":28}")));
        assertThat(texts(page, "td")).contains("gptq", "28");
    }

    /** The policy names the style sheet of the page by its hash. */
    @Test
    void nothingButTheOneStyleSheetMayLoad() throws Exception {
        String page = ReportPage.of(report("x", PASSED));
        String style = texts(parse(page), "style").getFirst();
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(style.getBytes(StandardCharsets.UTF_8));
        assertThat(ReportPage.POLICY)
                .startsWith("default-src 'none'; style-src 'sha256-"
                        + Base64.getEncoder().encodeToString(hash) + "'");
        Element meta = (Element) parse(page).getElementsByTagName("meta").item(1);
        assertThat(meta.getAttribute("http-equiv")).isEqualTo("Content-Security-Policy");
        assertThat(meta.getAttribute("content")).isEqualTo(ReportPage.POLICY);
        assertThat(page).doesNotContain("http://", "https://");
    }
}
