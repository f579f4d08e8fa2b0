package io.octavo.engine.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.graalvm.polyglot.Context;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Templates of published models with the texts that are expected of them, from huggingface.js: run with
 * {@code -Doctavo.chat-cases=FILE}, its {@code packages/jinja/test/e2e.test.js}, or a JSON object of cases that are spelled as
 * there: {@code chat_template}, {@code data} and the text that is expected as {@code target}.
 */
class PublishedTemplatesTest {

    private static final ZonedDateTime NOW = ZonedDateTime.of(2025, 7, 10, 12, 0, 0, 0, ZoneOffset.UTC);

    /** Prints a list, which in transformers, as in Python, has single quotes; that file expects JSON. */
    private static final String UNLIKE_TRANSFORMERS = "MadeAgents/Hammer2.1: ";

    private static JsonNode cases(Path file) throws IOException {
        String text = Files.readString(file);
        if (file.toString().endsWith(".json")) {
            return JsonMapper.shared().readTree(text);
        }
        String data = text.substring(text.indexOf("const EXAMPLE_CHAT"), text.indexOf("function render("));
        try (var javascript = Context.create("js")) {
            String json = javascript
                    .eval("js", data + "; JSON.stringify({ ...TEST_DEFAULT_TEMPLATES, ...TEST_CUSTOM_TEMPLATES })")
                    .asString();
            return JsonMapper.shared().readTree(json);
        }
    }

    /** What is not among the data is not defined, which transformers' caller cannot say of the generation prompt. */
    private static String variables(JsonNode data) {
        ObjectNode encoded = chat(data).encode(Map.of());
        if (!data.has("add_generation_prompt")) {
            encoded.remove("add_generation_prompt");
        }
        return encoded.toString();
    }

    private static Chat chat(JsonNode data) {
        Map<String, JsonNode> variables = new LinkedHashMap<>();
        data.forEachEntry(variables::put);
        variables.remove("messages");
        JsonNode prompt = variables.remove("add_generation_prompt");
        return new Chat(
                data.path("messages"),
                variables.remove("tools"),
                variables.remove("documents"),
                prompt != null && prompt.booleanValue(),
                NOW,
                variables);
    }

    @Test
    void rendersEveryPublishedTemplate() throws IOException {
        String file = System.getProperty("octavo.chat-cases");
        assumeTrue(file != null, "needs -Doctavo.chat-cases, huggingface.js's templates");
        List<String> failures = new ArrayList<>();
        int passed = 0;
        long longest = 0;
        for (var named : cases(Path.of(file)).properties()) {
            JsonNode known = named.getValue();
            try (var sandbox = new JinjaSandbox(RenderLimits.DEFAULT)) {
                long start = System.nanoTime();
                String text = sandbox.render(
                        known.path("chat_template").stringValue(),
                        variables(known.path("data")),
                        format -> Strftime.format(NOW, format));
                longest = Math.max(longest, System.nanoTime() - start);
                assertThat(text).isEqualTo(known.path("target").stringValue());
                passed++;
            } catch (AssertionError | RuntimeException e) {
                failures.add(named.getKey() + ": " + e.getMessage());
            }
        }
        System.out.println(passed + " templates pass; the slowest took " + longest / 1_000_000 + " ms");
        assertThat(failures).allMatch(failure -> failure.startsWith(UNLIKE_TRANSFORMERS));
    }
}
