package io.octavo.engine.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.octavo.engine.TestModels;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Expected texts of templates are what transformers 5.18 gives for them. */
class ChatTemplateTest {

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final ZonedDateTime NOW = ZonedDateTime.of(2026, 3, 5, 7, 8, 9, 0, ZoneOffset.UTC);

    @TempDir
    private Path folder;

    @BeforeEach
    void makeACheckpointWithoutWeights() throws IOException {
        Interpreter.assumeThere();
        write("config.json", "{}");
        Files.write(folder.resolve("model.safetensors"), new byte[] {2, 0, 0, 0, 0, 0, 0, 0, '{', '}'});
    }

    private void write(String name, String text) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private static Chat chat(String messages) {
        return new Chat(JSON.readTree(messages), null, null, false, NOW, Map.of());
    }

    private static Chat hello() {
        return chat("[{\"role\": \"user\", \"content\": \"Hello\"}]");
    }

    private String render(Chat chat) {
        return render(chat, RenderLimits.DEFAULT);
    }

    private String render(Chat chat, RenderLimits limits) {
        try (Checkpoint checkpoint = Checkpoint.open(folder);
                var template = new ChatTemplate(checkpoint, limits)) {
            return template.render(chat);
        }
    }

    private static void assertFails(ErrorCode code, String message, ThrowingCallable work) {
        assertThatExceptionOfType(QuantizationException.class)
                .isThrownBy(work)
                .withMessageContaining(message)
                .satisfies(thrown -> assertThat(thrown.code()).isEqualTo(code));
    }

    @Test
    void rendersTheTemplateOfAModel() {
        try (Checkpoint checkpoint = Checkpoint.open(TestModels.books5m());
                var template = ChatTemplate.of(checkpoint)) {
            var prompted = new Chat(hello().messages(), null, null, true, NOW, Map.of());
            assertThat(template.render(hello())).isEqualTo("<|im_start|>user\nHello<|im_end|>\n");
            assertThat(template.render(prompted))
                    .isEqualTo("<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '^',
            ignoreLeadingAndTrailingWhitespace = true,
            value = {
                "{{ messages[0].content }}{{ bos_token }}{{ eos_token }} ^ Hello<s>",
                "{{ tools is none }} {{ documents is none }} {{ absent is defined }} ^ True True False",
                "{{ strftime_now('%d %b %Y') }} ^ 05 Mar 2026",
                "{{ {'b': 1, '1': [true, none, 'ä'], 'a': 0.5} | tojson }} ^ {\"b\": 1, \"1\": [true, null, \"ä\"], \"a\": 0.5}",
                "{% generation %}x{% endgeneration %}{% for i in range(1, 7, 2) %}{{ i }}{% if i == 3 %}{% break %}{% endif %}{% endfor %} ^ x13",
                "{% for i in range(4) %}a{{ i }}{% if i == 1 %}{% continue %}{% endif %}b{% endfor %} ^ a0ba1a2ba3b",
                "{% for i in range(3) %}{% if x is defined %}leaks{% endif %}{% set x = i %}{{ x }}{% endfor %} ^ 012",
                "{% for i in range(2) %}{% for j in range(9) %}{{ j }}{% if j > i %}{% break %}{% endif %}{% endfor %};{% else %}none{% endfor %} ^ 01;012;",
                "{% set n = namespace(k=1) %}{% set n.k = n.k + 1 %}{{ n.k }}{{ messages[::-1] | length }} ^ 21",
                "{{ messages }}{{ [true, none, 1.0, \"it's\"] }}{{ none }}{{ absent }} ^ [{'role': 'user', 'content': 'Hello'}][True, None, 1.0, \"it's\"]None",
                "{% for c in 'ab' %}{{ c }}-{% endfor %}{% for c in absent %}{{ c }}{% else %}{% endfor %}{{ {'a': 1} | string | length }}{{ dict(a=1) | tojson }} ^ a-b-8{\"a\": 1}",
                "{{ messages[0][absent] is defined }}{{ 1 == '1' }}{{ [1] == [1] }}{{ none == absent }}{{ 'a' ~ [1] }} ^ FalseFalseTrueFalsea[1]",
                "{{ messages | selectattr('tool_calls', 'undefined') | list | length }}{{ absent is iterable }} ^ 1True",
                "{{ eos_token is defined }}{{ None is none }}{{ True and not false }} ^ FalseTrueTrue"
            })
    void givesATemplateWhatTransformersGivesIt(String template, String expected) throws IOException {
        write("chat_template.jinja", template);
        write(
                "tokenizer_config.json",
                "{\"bos_token\": {\"content\": \"<s>\", \"lstrip\": false}, \"eos_token\": null}");
        assertThat(render(hello())).isEqualTo(expected);
    }

    @Test
    void keepsMembersInTheirOrder() throws IOException {
        write("chat_template.jinja", "{{ messages | tojson }}{{ tools | tojson }}{{ flag }}");
        JsonNode tools = JSON.readTree("[{\"10\": 1, \"2\": {}, \"a\": [], \"1\": null}]");
        var chat = new Chat(hello().messages(), tools, null, false, NOW, Map.of("flag", JSON.readTree("\"on\"")));
        assertThat(render(chat))
                .isEqualTo("[{\"role\": \"user\", \"content\": \"Hello\"}]"
                        + "[{\"10\": 1, \"2\": {}, \"a\": [], \"1\": null}]on");
    }

    @Test
    void filesHideTheConfigAndToolsChooseTheirTemplate() throws IOException {
        write(
                "tokenizer_config.json",
                "{\"chat_template\": [{\"name\": \"default\", \"template\": \"config\"},"
                        + " {\"name\": \"tool_use\", \"template\": \"with tools\"}]}");
        var withTools = new Chat(hello().messages(), JSON.readTree("[{}]"), null, false, NOW, Map.of());
        assertThat(render(hello())).isEqualTo("config");
        assertThat(render(withTools)).isEqualTo("with tools");

        write("chat_templates/rag.jinja", "rag");
        assertFails(ErrorCode.CHAT_TEMPLATE_MISSING, "[rag]", () -> render(hello()));
        write("chat_template.jinja", "file");
        assertThat(render(withTools)).isEqualTo("file");
    }

    @Test
    void saysThatAModelHasNone() {
        assertFails(ErrorCode.CHAT_TEMPLATE_MISSING, "no chat template", () -> render(hello()));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '^',
            value = {
                "{% if messages[0].role != 'system' %}{{ raise_exception('a system comes first') }}{% endif %} ^ refuses the messages: a system comes first",
                "{% for m in messages %} ^ fails:",
                "{{ messages.foo.bar }} ^ fails:",
                "{{ 'a' + messages }} ^ fails:",
                "{{ messages | nosuchfilter }} ^ fails:"
            })
    void tellsWhatATemplateSays(String template, String message) throws IOException {
        write("chat_template.jinja", template);
        assertFails(ErrorCode.CHAT_TEMPLATE_FAILED, message, () -> render(hello()));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for i in range(1000000000) %}{% endfor %}",
                "{% set n = namespace(s='aaaaaaaa') %}{% for i in range(100) %}{% set n.s = n.s ~ n.s %}{% endfor %}{{ n.s }}",
                "{% set n = namespace(s='a' | string, l=[]) %}{% for i in range(18) %}{% set n.s = n.s ~ n.s %}{% endfor %}{% for i in range(100000) %}{% set n.l = n.l + [n.s | upper] %}{% endfor %}",
                "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
                "{{ messages | tojson(indent=500000000) }}",
                "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}"
            })
    void stopsATemplateAtItsBounds(String template) throws IOException {
        write("chat_template.jinja", template);
        var limits = new RenderLimits(50_000_000, 256 << 20, 1 << 20, Duration.ofSeconds(10));
        assertFails(ErrorCode.CHAT_TEMPLATE_EXCEEDED, "", () -> render(hello(), limits));
    }

    @Test
    void eachBoundStopsByItself() throws IOException {
        write("chat_template.jinja", "{% for i in range(100000000) %}{% set x = i ~ 'abc' %}{% endfor %}");
        var none = new RenderLimits(Long.MAX_VALUE, Long.MAX_VALUE, 1 << 20, Duration.ofDays(1));
        assertFails(
                ErrorCode.CHAT_TEMPLATE_EXCEEDED,
                "10000 statements",
                () -> render(hello(), new RenderLimits(10_000, Long.MAX_VALUE, 1 << 20, none.time())));
        assertFails(
                ErrorCode.CHAT_TEMPLATE_EXCEEDED,
                "8 MiB of memory",
                () -> render(hello(), new RenderLimits(Long.MAX_VALUE, 8 << 20, 1 << 20, none.time())));
        assertFails(
                ErrorCode.CHAT_TEMPLATE_EXCEEDED,
                "exceeded 0 s",
                () -> render(
                        hello(), new RenderLimits(Long.MAX_VALUE, Long.MAX_VALUE, 1 << 20, Duration.ofMillis(200))));
    }

    @Test
    void rendersAgainAfterATemplateWasStopped() throws IOException {
        write("chat_template.jinja", "{% for i in range(messages[0].count) %}.{% endfor %}");
        var limits = new RenderLimits(100_000, 1L << 30, 1 << 20, Duration.ofSeconds(20));
        try (Checkpoint checkpoint = Checkpoint.open(folder);
                var template = new ChatTemplate(checkpoint, limits)) {
            assertFails(ErrorCode.CHAT_TEMPLATE_EXCEEDED, "", () -> template.render(chat("[{\"count\": 10000000}]")));
            assertThat(template.render(chat("[{\"count\": 3}]"))).isEqualTo("...");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{{ messages.constructor }}{{ messages['__proto__'] }}{{ messages[0].constructor }}",
                "{{ ''.constructor }}{{ ''['constructor'] }}{{ range.constructor }}{{ strftime_now.constructor }}",
                "{{ Java }}{{ Polyglot }}{{ globalThis }}{{ load }}{{ process }}{{ require }}"
            })
    void showsATemplateNothingOfItsInterpreter(String template) throws IOException {
        write("chat_template.jinja", template);
        try {
            assertThat(render(hello())).isIn("", "nullnull", "undefinedundefined", "undefinedundefinedundefined");
        } catch (QuantizationException e) {
            assertThat(e.code()).isEqualTo(ErrorCode.CHAT_TEMPLATE_FAILED);
        }
    }

    /** A change of the package is a decision: its digest is that of dist/index.cjs in @huggingface/jinja 0.5.11 of npm. */
    @Test
    void interpretsByThePinnedPackage() throws Exception {
        try (InputStream file = ChatTemplate.class.getResourceAsStream("jinja/index.cjs")) {
            byte[] digest = MessageDigest.getInstance("SHA-256")
                    .digest(Objects.requireNonNull(file).readAllBytes());
            assertThat(HexFormat.of().formatHex(digest))
                    .isEqualTo("dfdc6a169ae80ebbd2be8564bb965470708a70eb8acf069a3ca25c647798fe6d");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '^',
            value = {
                "%a %A %b %B %d %e %H %I %j ^ Thu Thursday Mar March 05  5 07 07 064",
                "%m %M %p %S %y %Y %F %T ^ 03 08 AM 09 26 2026 2026-03-05 07:08:09",
                "%-d.%-m. 100%% %- %Q % ^ 5.3. 100% %- %Q %"
            })
    void tellsTheTimeAsPythonDoes(String format, String expected) {
        assertThat(Strftime.format(NOW, format)).isEqualTo(expected);
    }

    @Test
    void messagesAreAnArrayOfObjects() {
        assertThatIllegalArgumentException().isThrownBy(() -> chat("[]"));
        assertThatIllegalArgumentException().isThrownBy(() -> chat("[\"Hello\"]"));
        assertThatIllegalArgumentException().isThrownBy(() -> chat("{\"role\": \"user\"}"));
    }
}
