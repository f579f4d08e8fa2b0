package io.octavo.standalone;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.cli.client.WireJson;
import io.octavo.cli.terminal.Terminal;
import io.octavo.standalone.ServeCommand.Serving;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The README's five commands from a model to what quantization cost and bought, in its words. */
@Timeout(600)
class ReadmeTest {

    private static final Pattern BLOCK = Pattern.compile("### Serve\\n.*?```sh\\n(.*?)```", Pattern.DOTALL);
    private static final Pattern BODY = Pattern.compile("-d '([^']*)'");
    private static final Pattern PLACE = Pattern.compile("http://127\\.0\\.0\\.1:8000(/\\S+)");
    private static final String MADE = "books-5m-FP8";

    @TempDir
    private Path folder;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    @Test
    void fiveCommandsQuantizeEvaluateServeAskAndBenchmark() throws Exception {
        List<String> commands = commands();
        assertThat(commands).hasSize(5);
        assertThat(run(commands.get(0))).contains("W8A8-FP8-dynamic");
        assertThat(run(commands.get(1))).contains("perplexity", "% kept", "smoke inference passed");
        ServeCommand serve = (ServeCommand) commandLine()
                .parseArgs(words(commands.get(2), "--port", "0"))
                .subcommand()
                .commandSpec()
                .userObject();
        try (Serving serving = serve.start(line -> {})) {
            String answer = ask(serving.server().uri(), commands.get(3));
            assertThat(WireJson.parse(answer).at("/choices/0/text").asString()).isNotBlank();
            assertThat(WireJson.parse(answer).at("/usage/completion_tokens").intValue())
                    .isEqualTo(32);
        }
        assertThat(run(commands.get(4))).contains("throughput increase", "W8A8-FP8-dynamic", "first token, p50");
    }

    /** A line each, those that end with a backslash with the next one, without comments. */
    private static List<String> commands() throws IOException {
        Matcher block = BLOCK.matcher(Files.readString(ProjectFolder.root().resolve("README.md")));
        assertThat(block.find()).isTrue();
        return block.group(1)
                .replace("\\\n", " ")
                .lines()
                .map(line -> line.replaceFirst(" +#.*", ""))
                .toList();
    }

    private String run(String command) {
        out.reset();
        assertThat(commandLine().execute(words(command)))
                .as(command + "\n" + out)
                .isZero();
        return out.toString(UTF_8);
    }

    private CommandLine commandLine() {
        var stream = new PrintStream(out, true, UTF_8);
        return OctavoMain.commandLine(new Terminal(stream, stream, false, 120), Map.of());
    }

    private String[] words(String command, String... more) {
        assertThat(command).startsWith("./octavo ");
        return Stream.concat(
                        Arrays.stream(command.strip().split(" +", -1)).skip(1).filter(word -> !word.equals("&")),
                        Arrays.stream(more))
                .map(word -> word.startsWith("examples/")
                        ? ProjectFolder.root().resolve(word).toString()
                        : word.equals(MADE) ? folder.resolve(MADE).toString() : word)
                .toArray(String[]::new);
    }

    /** What curl would do. */
    private static String ask(URI server, String curl) throws IOException, InterruptedException {
        Matcher body = BODY.matcher(curl);
        Matcher place = PLACE.matcher(curl);
        assertThat(body.find() && place.find()).as(curl).isTrue();
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(
                            HttpRequest.newBuilder(server.resolve(place.group(1)))
                                    .header("Content-Type", "application/json")
                                    .POST(HttpRequest.BodyPublishers.ofString(body.group(1)))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString())
                    .body();
        }
    }
}
