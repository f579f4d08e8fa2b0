package io.octavo.standalone;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import io.octavo.cli.CommandFailedException;
import io.octavo.cli.client.WireJson;
import io.octavo.cli.command.UsageException;
import io.octavo.cli.terminal.Terminal;
import io.octavo.standalone.ServeCommand.Serving;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** A real model behind OpenAI's interface, as the command serves it. */
@Timeout(240)
class ServeCommandTest {

    private static final Path MODEL = ProjectFolder.root().resolve("examples/models/books-5m");
    private static final String COMPLETIONS = "/v1/completions";

    private static final List<String> LOG = new CopyOnWriteArrayList<>();
    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static @Nullable Serving serving;

    private final String base = Objects.requireNonNull(serving).server().uri().toString();
    private final JsonNode golden = golden();

    @BeforeAll
    static void serve() {
        serving = command("--port", "0", "--device", "cpu", "--kv-cache", "f32", "--served-name", "books")
                .start(LOG::add);
    }

    @AfterAll
    static void stop() {
        Objects.requireNonNull(serving).close();
        CLIENT.close();
    }

    private static ServeCommand command(String... options) {
        var out = new PrintStream(new ByteArrayOutputStream(), true, UTF_8);
        var arguments = new ArrayList<>(List.of("serve", MODEL.toString()));
        arguments.addAll(List.of(options));
        return (ServeCommand) OctavoMain.commandLine(new Terminal(out, out, false, 100), Map.of())
                .parseArgs(arguments.toArray(String[]::new))
                .subcommand()
                .commandSpec()
                .userObject();
    }

    private static JsonNode golden() {
        try {
            return WireJson.parse(Files.readString(MODEL.resolve("golden_generate.json")));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What transformers generates. */
    private String goldenText() {
        String text = golden.path("greedy_text").asString();
        return text.substring(text.indexOf(golden.path("prompt").asString())
                + golden.path("prompt").asString().length());
    }

    private String greedy(String more) {
        return "{\"prompt\":\"" + golden.path("prompt").asString() + "\",\"max_tokens\":48,\"temperature\":0" + more
                + "}";
    }

    @Test
    void writesTheTextThatTransformersDoes() throws Exception {
        JsonNode answer = post(COMPLETIONS, greedy(""));

        assertThat(answer.at("/choices/0/text").asString()).isEqualTo(goldenText());
        assertThat(answer.at("/choices/0/finish_reason").asString()).isEqualTo("length");
        assertThat(answer.at("/usage/prompt_tokens").asInt())
                .isEqualTo(golden.path("input_ids").size());
        assertThat(answer.at("/usage/completion_tokens").asInt()).isEqualTo(48);
        assertThat(answer.path("model").asString()).isEqualTo("books");
        assertThat(LOG).anySatisfy(line -> assertThat(line).contains("POST /v1/completions 200", "+ 48, "));
    }

    @Test
    void writesTheSameAmongOthers() throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<JsonNode>> others = IntStream.range(0, 16)
                    .mapToObj(i -> threads.submit(() -> post(
                            COMPLETIONS,
                            i % 2 == 0
                                    ? greedy("")
                                    : "{\"prompt\":\"Chapter " + i + "\",\"max_tokens\":24,\"seed\":" + i
                                            + ",\"n\":2}")))
                    .toList();
            for (int i = 0; i < others.size(); i += 2) {
                assertThat(others.get(i).get().at("/choices/0/text").asString()).isEqualTo(goldenText());
            }
            JsonNode alone = post(COMPLETIONS, "{\"prompt\":\"Chapter 3\",\"max_tokens\":24,\"seed\":3,\"n\":2}");
            assertThat(others.get(3).get().path("choices")).isEqualTo(alone.path("choices"));
        }
    }

    @Test
    void streamsTheText() throws Exception {
        HttpResponse<String> response = send(COMPLETIONS, greedy(",\"stream\":true"));

        assertThat(response.headers().firstValue("Content-Type")).contains("text/event-stream;charset=utf-8");
        assertThat(response.body()).endsWith("data: [DONE]\n\n");
        var text = new StringBuilder();
        response.body()
                .lines()
                .filter(line -> line.startsWith("data: {"))
                .map(line -> WireJson.parse(line.substring("data: ".length())))
                .forEach(part -> text.append(part.at("/choices/0/text").asString()));
        assertThat(text).hasToString(goldenText());
    }

    /** The text's tokens are the likeliest, and their log probabilities are those that scoring the whole text gives. */
    @Test
    void scoresAPromptAsItDrew() throws Exception {
        String ids = golden.path("greedy_ids").toString();
        JsonNode drawn = post(COMPLETIONS, greedy(",\"logprobs\":1")).at("/choices/0/logprobs");

        JsonNode scored = post(COMPLETIONS, "{\"prompt\":" + ids + ",\"max_tokens\":0,\"echo\":true,\"logprobs\":1}")
                .at("/choices/0/logprobs");

        int prompt = golden.path("input_ids").size();
        assertThat(scored.path("token_logprobs"))
                .hasSize(golden.path("greedy_ids").size());
        for (int i = 0; i < 48; i++) {
            assertThat(scored.path("tokens").get(prompt + i))
                    .isEqualTo(drawn.path("tokens").get(i));
            assertThat(scored.path("token_logprobs").get(prompt + i).asDouble())
                    .isCloseTo(drawn.path("token_logprobs").get(i).asDouble(), offset(1e-4));
            assertThat(drawn.path("top_logprobs").get(i)).hasSize(1);
        }
    }

    @Test
    void endsBeforeAStopText() throws Exception {
        JsonNode answer = post(COMPLETIONS, greedy(",\"stop\":[\" black\",\"doorway\"]"));

        String text = answer.at("/choices/0/text").asString();
        assertThat(text).isEqualTo(goldenText().substring(0, goldenText().indexOf("doorway")));
        assertThat(answer.at("/choices/0/finish_reason").asString()).isEqualTo("stop");
    }

    @Test
    void answersAChatByTheModelsTemplate() throws Exception {
        String chat =
                "{\"messages\":[{\"role\":\"user\",\"content\":\"Who is there?\"}],\"max_tokens\":8,\"temperature\":0}";

        JsonNode answer = post("/v1/chat/completions", chat);

        String rendered = "<|im_start|>user\\nWho is there?<|im_end|>\\n<|im_start|>assistant\\n";
        JsonNode bare = post(COMPLETIONS, "{\"prompt\":\"" + rendered + "\",\"max_tokens\":8,\"temperature\":0}");
        assertThat(answer.at("/choices/0/message/content").asString()).isNotBlank();
        // The template writes no BOS, which is put before a prompt.
        assertThat(answer.at("/usage/prompt_tokens").asInt())
                .isEqualTo(bare.at("/usage/prompt_tokens").asInt() - 1);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"prompt\":\"a\",\"model\":\"gpt\"} | 404 | model_not_found",
                "{\"prompt\":[8192]} | 400 | invalid_value",
                "{\"prompt\":[5],\"max_tokens\":\"x\"} | 400 | invalid_type"
            })
    void refusesWhatCannotBe(String body, int status, String code) throws Exception {
        HttpResponse<String> response = send(COMPLETIONS, body);

        assertThat(response.statusCode()).isEqualTo(status);
        assertThat(WireJson.parse(response.body()).at("/error/code").asString()).isEqualTo(code);
    }

    @Test
    void refusesAPromptThatIsTooLong() throws Exception {
        HttpResponse<String> response = send(COMPLETIONS, "{\"prompt\":[" + "5,".repeat(1024) + "5]}");

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(WireJson.parse(response.body()).at("/error/code").asString()).isEqualTo("context_length_exceeded");
    }

    @ParameterizedTest
    @CsvSource({
        "--port 70000, '--port: 70000 is not between 0 and 65535'",
        "--kv-cache int4, 'a KV cache is auto, f32, bf16, fp8 or int8, not int4'",
        "--max-sequences 0, '--max-sequences: 0 is not between 1 and 1024'",
        "--max-model-length 0, '--max-model-length: 0 is not between 1 and'",
        "--kv-cache-mib 0, '--kv-cache-mib: 0 is not between 1 and'"
    })
    void saysWhatAnOptionCannotBe(String options, String message) {
        assertThatThrownBy(() -> command(options.split(" ", -1)).start(LOG::add))
                .isInstanceOf(UsageException.class)
                .hasMessageContaining(message);
    }

    @Test
    void looksWhetherItMayListenBeforeItLoads() {
        String taken = String.valueOf(URI.create(base).getPort());

        assertThatThrownBy(() -> command("--port", taken).start(LOG::add))
                .isInstanceOf(CommandFailedException.class)
                .hasMessageContaining("[port-in-use]");
    }

    private JsonNode post(String path, String body) throws IOException, InterruptedException {
        HttpResponse<String> response = send(path, body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return WireJson.parse(response.body());
    }

    private HttpResponse<String> send(String path, String body) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create(base + path))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body))
                .build();
        return CLIENT.send(request, BodyHandlers.ofString());
    }
}
