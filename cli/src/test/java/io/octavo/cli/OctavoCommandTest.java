package io.octavo.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.cli.client.FakeService;
import io.octavo.cli.client.WireJson;
import io.octavo.cli.command.ExitCode;
import io.octavo.cli.terminal.Terminal;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;

class OctavoCommandTest {

    @TempDir
    private Path folder;

    private final FakeService service;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final Map<String, String> environment = new HashMap<>();

    OctavoCommandTest() throws IOException {
        service = new FakeService();
        environment.put("OCTAVO_SERVER", service.uri().toString());
    }

    @AfterEach
    void close() {
        service.close();
    }

    @Test
    void pushPrintsTheRevisionAndPullBringsItBack() throws Exception {
        Path model = Files.createDirectory(folder.resolve("model"));
        Files.writeString(model.resolve("config.json"), "{}");

        assertThat(run("push", model.toString(), "octavo/model")).isEqualTo(ExitCode.OK);
        String uri = out.toString(UTF_8).strip();
        assertThat(uri).matches("hub:octavo/model@[0-9a-f]{40}");

        Path copy = folder.resolve("copy");
        assertThat(run("pull", uri.substring("hub:".length()), copy.toString())).isEqualTo(ExitCode.OK);
        assertThat(copy.resolve("config.json")).hasContent("{}");
    }

    @Test
    void pullReplacesOtherContentsOnlyWhereThatIsAskedFor() throws Exception {
        service.commit("octavo/model", Map.of("config.json", "{}".getBytes(UTF_8)));
        Path mine = Files.writeString(folder.resolve("config.json"), "[]");

        assertThat(run("pull", "octavo/model", folder.toString())).isEqualTo(ExitCode.FAILED);
        assertThat(err.toString(UTF_8)).contains("--overwrite");
        assertThat(mine).hasContent("[]");
        assertThat(run("pull", "octavo/model", folder.toString(), "--overwrite"))
                .isEqualTo(ExitCode.OK);
        assertThat(mine).hasContent("{}");
    }

    @Test
    void whoHasNoKeyIsToldHowToComeByOne() {
        service.once(
                "GET",
                "/revisions/main",
                exchange -> FakeService.answer(
                        exchange, 401, "{\"code\":\"unauthenticated\",\"detail\":\"this call needs an API key\"}"));

        assertThat(run("push", folder.toString(), "octavo/model")).isEqualTo(ExitCode.FAILED);
        assertThat(err.toString(UTF_8))
                .contains("this call needs an API key [unauthenticated]", "OCTAVO_API_KEY", "octavo keys create NAME");
    }

    @Test
    void submitSendsTheFileWithTheOptionsOverIt() throws Exception {
        Path file = Files.writeString(
                folder.resolve("job.json"), "{\"type\":\"quantize\",\"source\":\"hub:a/b\",\"scheme\":\"W8A16\"}");

        int code = run(
                "submit",
                file.toString(),
                "--scheme",
                "FP8_DYNAMIC",
                "--ignore",
                "lm_head",
                "--modifier",
                "smoothquant",
                "--set",
                "priority=5",
                "--set",
                "labels={\"team\":\"search\"}",
                "--set",
                "device=auto");

        assertThat(code).isEqualTo(ExitCode.OK);
        assertThat(service.submitted.getFirst())
                .isEqualTo(
                        WireJson.parse(
                                "{\"type\":\"quantize\",\"source\":\"hub:a/b\",\"scheme\":\"FP8_DYNAMIC\","
                                        + "\"ignore\":[\"lm_head\"],\"modifiers\":[{\"type\":\"smoothquant\"}],\"priority\":5,\"labels\":{\"team\":\"search\"},\"device\":\"auto\"}"));
        assertThat(UUID.fromString(out.toString(UTF_8).strip())).isNotNull();
    }

    @Test
    void waitingForAJobThatFailsTellsWhyAndExitsWithOne() {
        JsonNode problem = WireJson.parse("{\"code\":\"tensor-not-finite\",\"detail\":\"tensor a.weight holds NaN\"}");
        service.work(job -> job.put("status", "FAILED").set("problem", problem));

        assertThat(run("submit", "--type", "quantize", "--wait")).isEqualTo(ExitCode.FAILED);
        assertThat(out.toString(UTF_8)).contains("tensor a.weight holds NaN [tensor-not-finite]");
    }

    @Test
    void logsFollowsToTheEnd() {
        run("submit", "--type", "quantize");
        UUID id = UUID.fromString(out.toString(UTF_8).strip());
        service.jobs.getOrDefault(id, JsonNodeFactory.instance.objectNode()).put("status", "SUCCEEDED");
        service.events.put(id, List.of("log {\"line\":\"reading\"}", "state {\"status\":\"SUCCEEDED\",\"attempt\":1}"));

        assertThat(run("logs", id.toString(), "-f")).isEqualTo(ExitCode.OK);
        assertThat(out.toString(UTF_8)).contains("log       reading").contains("state     SUCCEEDED");
    }

    @Test
    void jobsJobAndCancelShowTheJob() {
        run("submit", "--type", "quantize", "--source", "hub:a/b");
        String id = out.toString(UTF_8).strip();

        assertThat(run("jobs")).isEqualTo(ExitCode.OK);
        assertThat(out.toString(UTF_8)).contains(id, "QUEUED", "hub:a/b");
        assertThat(run("job", id)).isEqualTo(ExitCode.OK);
        assertThat(out.toString(UTF_8)).contains("QUEUED", "hub:a/b");
        assertThat(run("cancel", id)).isEqualTo(ExitCode.OK);
        assertThat(out.toString(UTF_8)).contains("CANCELLED");
    }

    @Test
    void aPipelineIsFollowedStepByStepAndShownWithItsSteps() {
        run("submit", "--type", "quantize");
        String step = out.toString(UTF_8).strip();
        service.jobs
                .getOrDefault(UUID.fromString(step), JsonNodeFactory.instance.objectNode())
                .put("status", "FAILED");
        service.work(job -> job.put("status", "FAILED"));
        service.steps = (ArrayNode) WireJson.parse("""
                [{"name": "evaluate", "jobId": "%s", "type": "evaluate", "status": "FAILED", "progress": 1.0,
                  "needs": ["quantize"], "problem": {"code": "gate-failed", "detail": "perplexity is 9"}}]
                """.formatted(step));

        assertThat(run("submit", "--type", "pipeline", "--wait")).isEqualTo(ExitCode.FAILED);
        assertThat(err.toString(UTF_8)).contains("evaluate");
        assertThat(out.toString(UTF_8)).contains("steps", step, "perplexity is 9 [gate-failed]");
    }

    @Test
    void aProblemIsOneLineWithItsCode() {
        assertThat(run("job", UUID.randomUUID().toString())).isEqualTo(ExitCode.FAILED);
        assertThat(err.toString(UTF_8)).startsWith("error: job ").endsWith("[job-not-found]" + System.lineSeparator());
        assertThat(err.toString(UTF_8).lines()).hasSize(1);
    }

    @Test
    void aServerThatIsNotThereExitsWithThree() throws Exception {
        int freePort;
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            freePort = socket.getLocalPort();
        }

        assertThat(run("jobs", "--server", "http://127.0.0.1:" + freePort)).isEqualTo(ExitCode.UNREACHABLE);
        assertThat(err.toString(UTF_8)).contains("no answer from", "octavo up");
    }

    @Test
    void wrongUsageExitsWithTwo() {
        assertThat(run("job", "7")).isEqualTo(ExitCode.USAGE);
        assertThat(run("push", folder.resolve("missing").toString(), "a/b")).isEqualTo(ExitCode.USAGE);
        assertThat(run("push", folder.toString(), "no-namespace")).isEqualTo(ExitCode.USAGE);
        assertThat(run("jobs", "--server", "ftp://host")).isEqualTo(ExitCode.USAGE);
        assertThat(run("submit")).isEqualTo(ExitCode.USAGE);
        assertThat(run("unknown")).isEqualTo(ExitCode.USAGE);
        assertThat(run("job")).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void aLocalServicesKeyIsSentToThisMachine() throws Exception {
        Files.writeString(folder.resolve("api-key"), "local-key\n");

        run("jobs", "--home", folder.toString());

        assertThat(service.lastHeaders).containsEntry("Authorization", "Bearer local-key");
    }

    @Test
    void theEnvironmentsKeyComesFirst() throws Exception {
        Files.writeString(folder.resolve("api-key"), "local-key\n");
        environment.put("OCTAVO_API_KEY", "given-key");

        run("jobs", "--home", folder.toString());

        assertThat(service.lastHeaders).containsEntry("Authorization", "Bearer given-key");
    }

    private int run(String... arguments) {
        out.reset();
        err.reset();
        var terminal = new Terminal(new PrintStream(out, true, UTF_8), new PrintStream(err, true, UTF_8), false, 100);
        return OctavoCommand.commandLine(terminal, environment).execute(arguments);
    }
}
