package io.octavo.api.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class ModelCardTest {

    /** What opens mark-up in Markdown, unless a backslash stands before it. */
    private static final Pattern MARKUP = Pattern.compile("(?<!\\\\)[<\\[`*]");

    private static String card(String text) {
        return ModelCard.of(ReportPageTest.report(text, ReportPageTest.PASSED));
    }

    @Test
    void tellsWhatTheReportTells() {
        assertThat(card("plain"))
                .startsWith("# octavo/plain\n\nW8A8-FP8-dynamic, 8.06 bits a weight, 12.3 MB")
                .contains(
                        "Made of plain at revision main with FP8\\_DYNAMIC, layout compressed-tensors, by Octavo 1.",
                        "| GPU | such as | runs as | how |\n| --- | --- | --- | --- |\n| sm\\_89 | Ada, such as L40S | W8A8 |",
                        "```sh\noctavo pull octavo/plain@main ./plain\nvllm serve plain\n```",
                        "On Kubernetes:\n\n```yaml\nplain```",
                        "| plain | perplexity | 51.000 | 50.000 | +2.000 % |",
                        "Smoke inference FAILED:\n\n- NOT: plain\n",
                        "## Know before loading it\n\n- plain\n",
                        "| plain | ab | 5 bytes |");
    }

    @Test
    void whateverUsersNameThingsStaysText() {
        String outsideOfCode =
                card(ReportPageTest.HOSTILE + "\n# a\u2028b").replaceAll("(?s)```(sh|yaml)\n.*?```\n", "");
        assertThat(MARKUP.matcher(outsideOfCode).results()).isEmpty();
        assertThat(outsideOfCode).doesNotContain("\n# a", "\u2028").contains("\\# a b");
    }
}
