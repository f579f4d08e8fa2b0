package io.octavo.standalone;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.octavo.cli.client.WireJson;
import io.octavo.cli.terminal.Terminal;
import io.octavo.engine.scheme.Scheme;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;

/** The examples of {@code --help}, as a user would type them, and what the commands of administrators print. */
@Timeout(300)
class CommandExamplesTest {

    private static final String ID = "123e4567-e89b-12d3-a456-426614174000";
    private static final Pattern WORD = Pattern.compile("'([^']*)'|\"([^\"]*)\"|\\S+");

    @TempDir
    static Path folder;

    private static @Nullable Standalone running;

    private final Standalone service = Objects.requireNonNull(running);

    private final Map<String, String> environment =
            new HashMap<>(Map.of("OCTAVO_SERVER", service.baseUrl(), "OCTAVO_API_KEY", service.apiKey()));
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @BeforeAll
    static void start() {
        running = Standalone.start(new StandaloneOptions(folder.resolve("home"), 0, List.of()));
    }

    @AfterAll
    static void stop() {
        Objects.requireNonNull(running).close();
    }

    @Test
    void everyCommandHasExamplesThatItUnderstands() {
        List<CommandLine> commands = commands(commandLine()).toList();
        assertThat(commands).hasSizeGreaterThan(45);
        assertThat(commands).allSatisfy(command -> {
            assertThat(examples(command))
                    .as(command.getCommandSpec().qualifiedName())
                    .isNotEmpty();
            for (String example : examples(command)) {
                assertThatCode(() -> commandLine().parseArgs(words(example)))
                        .as(example)
                        .doesNotThrowAnyException();
            }
            assertThat(examples(command))
                    .anySatisfy(example -> assertThat(example).startsWith(path(command)));
        });
    }

    /** Those of models that lie elsewhere do not run here, so the schemes that they name are looked up. */
    @Test
    void examplesNameSchemesThatExist() {
        Pattern named = Pattern.compile("--(?:scheme|override)[ =]([A-Z0-9_]+)");
        List<String> schemes = commands(commandLine())
                .flatMap(command -> examples(command).stream())
                .flatMap(example -> named.matcher(example).results().map(found -> found.group(1)))
                .toList();
        assertThat(schemes)
                .hasSizeGreaterThan(4)
                .allSatisfy(scheme -> assertThatCode(() -> Scheme.named(scheme)).doesNotThrowAnyException());
    }

    /** In an order in which each finds what it needs. */
    @Test
    void examplesThatNeedNoOtherMachineRun() {
        runExamples("push", Map.of());
        runExamples("submit", Map.of());
        String job = run("submit", "--set", "reuse=false", ProjectFolder.root() + "/examples/jobs/quantize-fp8.json")
                .strip();
        run("logs", job, "-f");
        runExamples("pull", Map.of());
        runExamples("inspect", Map.of());
        runExamples("generate", Map.of());
        runExamples("quantize", Map.of());
        runExamples("job", Map.of(ID, job));
        runExamples("logs", Map.of(ID, job));
        String artifact = json("job", job, "--json").at("/result/artifactId").asString();
        runExamples("artifact", Map.of(ID, artifact));

        String waiting = run(
                        "submit",
                        ProjectFolder.root() + "/examples/jobs/quantize-fp8.json",
                        "--set",
                        "requirements={\"deviceMemoryBytes\":1000000000000000}")
                .strip();
        runExamples("cancel", Map.of(ID, waiting));
        runExamples("retry", Map.of(ID, waiting));
        run("cancel", waiting);
        runExamples("jobs", Map.of(ID, waiting));
        runExamples("artifacts", Map.of(ID, artifact));
        runExamples("schemes", Map.of());
        runExamples("workers", Map.of());
        runExamples("key", Map.of());

        String key = json("keys", "create", "examples", "--json").path("id").asString();
        runExamples("keys create", Map.of());
        runExamples("keys", Map.of(ID, key));
        String hook = json("webhooks", "create", "https://8.8.8.8/octavo", "--json")
                .path("id")
                .asString();
        runExamples("webhooks create", Map.of("https://example.com/octavo", "https://8.8.8.8/octavo"));
        runExamples("webhooks deliveries", Map.of(ID, hook));
        runExamples("webhooks delete", Map.of(ID, hook));
        String tenant = run("tenants", "create", "examples").strip();
        runExamples("tenants create", Map.of());
        runExamples("tenants grant", Map.of(ID, tenant));
        for (String each : List.of("namespaces", "quota", "show", "revoke", "delete")) {
            runExamples("tenants " + each, Map.of(ID, tenant));
        }
        runExamples("deploy", Map.of());
        runExamples("deployments", Map.of());
        assertThat(json("deployments", "--json").at("/1/state").asString()).isEqualTo("READY");
        runExamples(
                "undeploy", Map.of(ID, json("deployments", "--json").at("/1/id").asString()));
        runExamples("audit", Map.of());
        runExamples("repos show", Map.of());
        runExamples("repos revisions", Map.of());
        runExamples("repos retention", Map.of());
        restoresWhatWasDeletedBelowWhatWasPushedSince();
        assertThat(run("repos", "--search", "books-5m")).contains("octavo/books-5m");
    }

    private void restoresWhatWasDeletedBelowWhatWasPushedSince() {
        String old = json("repos", "show", "octavo/books-5m", "--json")
                .at("/revision")
                .asString();
        run("repos", "delete", "octavo/books-5m");
        assertThat(run("repos", "--deleted")).contains("octavo/books-5m", "RESTORABLE UNTIL", old);
        run("push", ProjectFolder.root() + "/examples/data", "octavo/books-5m", "-m", "by mistake");
        assertThat(run("repos", "revisions", "octavo/books-5m", "--deleted")).contains(old);
        run("repos", "restore", "octavo/books-5m@" + old);
        assertThat(run("repos", "revisions", "octavo/books-5m")).contains(old, "by mistake");
        run("repos", "delete", "octavo/books-5m");
        run("repos", "restore", "octavo/books-5m");
        assertThat(json("repos", "revisions", "octavo/books-5m", "--json"))
                .extracting(revision -> revision.path("message").asString())
                .first()
                .isEqualTo("by mistake");
        run("repos", "delete", "octavo/books-5m@main");
    }

    @Test
    void anOperatorMakesATenantThatWorksInItsNamespaceAlone() {
        String tenant = run("tenants", "create", "initech").strip();
        assertThat(run("tenants", "--search", "nitec")).contains(tenant, "initech");
        assertThat(run("tenants", "grant", tenant, "initech")).isEqualTo("granted initech\n");
        assertThat(run("tenants", "namespaces", tenant)).contains("initech\n");
        assertThat(run("tenants", "quota", tenant, "5000000")).contains("5.0 MB");
        assertThat(run("tenants", "show", tenant)).contains("max bytes", "5.0 MB");
        String key = run("keys", "create", "initech", "--scope", "admin", "--days", "2", "--tenant", tenant)
                .strip();

        environment.put("OCTAVO_API_KEY", key);
        assertThat(key).startsWith("octv_");
        assertThat(run("repos")).startsWith("NAME").doesNotContain("octavo/");
        String data = ProjectFolder.root() + "/examples/jobs";
        assertThat(execute("push", data, "other/jobs")).isEqualTo(1);
        run("push", data, "initech/jobs", "-m", "first");
        assertThat(run("repos", "show", "initech/jobs@main")).contains("first", "quantize-fp8.json");
        assertThat(run("repos", "revisions", "initech/jobs", "--search", "first"))
                .contains("first");
        assertThat(run("repos", "retention", "initech/jobs", "7")).contains("retention days  7");
        assertThat(json("repos", "--json").at("/0/name").asString()).isEqualTo("initech/jobs");
        assertThat(run("keys")).contains("initech", "admin").doesNotContain(key);
        assertThat(run("audit")).contains("PUT /api/v1/repositories/{namespace}/{name}/retention");
        assertThat(run("audit", "--limit", "1").lines()).hasSize(2);
        assertThat(err.toString(UTF_8)).contains("--limit shows them");
        assertThat(run("repos", "delete", "initech/jobs")).isEqualTo("deleted initech/jobs\n");
        assertThat(execute("repos", "show", "initech/jobs")).isEqualTo(1);
        run("keys", "revoke", json("keys", "--json").at("/0/id").asString());
        assertThat(execute("repos")).isEqualTo(1);
        assertThat(err.toString(UTF_8)).contains("[unauthenticated]");
    }

    private void runExamples(String path, Map<String, String> replacements) {
        CommandLine command = commandLine();
        for (String name : path.split(" ", -1)) {
            command = Objects.requireNonNull(command.getSubcommands().get(name), path);
        }
        for (String example : examples(command)) {
            if (!Pattern.compile("\\./(Llama|Qwen)").matcher(example).find() && example.startsWith("octavo " + path)) {
                run(Arrays.stream(words(example))
                        .map(word -> replacements.getOrDefault(word, word))
                        .map(word -> word.startsWith("examples/") ? ProjectFolder.root() + "/" + word : word)
                        .map(word ->
                                word.startsWith("./") ? folder.resolve(word).toString() : word)
                        .toArray(String[]::new));
            }
        }
    }

    private static Stream<CommandLine> commands(CommandLine command) {
        return Stream.concat(
                Stream.of(command), command.getSubcommands().values().stream().flatMap(CommandExamplesTest::commands));
    }

    /** Lines of the footer that call the command, those that a backslash ends with the next. */
    private static List<String> examples(CommandLine command) {
        List<String> found = new ArrayList<>();
        String open = "";
        for (String line : command.getCommandSpec().usageMessage().footer()) {
            if (line.endsWith("\\")) {
                open = line.substring(0, line.length() - 1);
            } else if ((open + line).startsWith("  octavo ")) {
                found.add((open + line).strip());
                open = "";
            }
        }
        return found;
    }

    private static String path(CommandLine command) {
        return command.getCommandSpec().qualifiedName();
    }

    private static String[] words(String example) {
        return WORD.matcher(example)
                .results()
                .skip(1)
                .map(word ->
                        word.group(1) != null ? word.group(1) : word.group(2) != null ? word.group(2) : word.group())
                .toArray(String[]::new);
    }

    private JsonNode json(String... arguments) {
        return WireJson.parse(run(arguments));
    }

    private String run(String... arguments) {
        int code = execute(arguments);
        assertThat(code).as("%s%n%s", String.join(" ", arguments), err).isZero();
        return out.toString(UTF_8);
    }

    private int execute(String... arguments) {
        out.reset();
        err.reset();
        return commandLine().execute(arguments);
    }

    private CommandLine commandLine() {
        return OctavoMain.commandLine(
                new Terminal(new PrintStream(out, true, UTF_8), new PrintStream(err, true, UTF_8), false, 100),
                environment);
    }
}
