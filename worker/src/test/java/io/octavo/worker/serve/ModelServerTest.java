package io.octavo.worker.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.octavo.engine.failure.ErrorCode;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Calls over real connections. */
@Timeout(60)
class ModelServerTest extends AbstractServerTest {

    private static final String COMPLETIONS = "/v1/completions";
    private static final String CHATS = "/v1/chat/completions";

    @Test
    void tellsWhichModelIsServed() throws Exception {
        JsonNode models = TestServer.json(server.get("/v1/models"));

        assertThat(models.path("object").asString()).isEqualTo("list");
        assertThat(models.at("/data/0/id").asString()).isEqualTo(TestServer.NAME);
        assertThat(models.at("/data/0/object").asString()).isEqualTo("model");
        assertThat(models.at("/data/0/max_model_len").asInt()).isEqualTo(FakeModel.LENGTH);
        assertThat(TestServer.json(server.get("/v1/models/octavo/tiny"))).isEqualTo(models.at("/data/0"));
        assertThat(TestServer.json(server.get("/v1/models/octavo%2Ftiny"))).isEqualTo(models.at("/data/0"));
        assertThat(server.get("/v1/models/other").statusCode()).isEqualTo(404);
    }

    @Test
    void goesOnFromAPrompt() throws Exception {
        JsonNode answer = server.answer(COMPLETIONS, "{'model':'octavo/tiny','prompt':'abc','max_tokens':3}");

        assertThat(answer.path("object").asString()).isEqualTo("text_completion");
        assertThat(answer.path("id").asString()).startsWith("cmpl-");
        assertThat(answer.path("model").asString()).isEqualTo(TestServer.NAME);
        assertThat(answer.path("created").asLong()).isPositive();
        assertThat(answer.path("choices").toString())
                .isEqualTo("[{\"index\":0,\"text\":\"def\",\"logprobs\":null,\"finish_reason\":\"length\"}]");
        assertThat(answer.path("usage").toString())
                .isEqualTo("{\"prompt_tokens\":4,\"completion_tokens\":3,\"total_tokens\":7,"
                        + "\"prompt_tokens_details\":{\"cached_tokens\":2}}");
        // The line is written once the answer is on its way.
        await().untilAsserted(() -> assertThat(server.log)
                .singleElement()
                .asString()
                .startsWith("POST /v1/completions 200 ")
                .contains("first token ", "tokens 4 (2 cached) + 3, 127.0.0.1, "));
    }

    @Test
    void numbersTextsByPromptFirst() throws Exception {
        JsonNode answer = server.answer(COMPLETIONS, "{'prompt':['a','k'],'max_tokens':2,'n':2}");

        assertThat(answer.path("choices").findValuesAsString("text")).containsExactly("bc", "de", "lm", "no");
        assertThat(answer.path("choices").findValuesAsString("index")).containsExactly("0", "1", "2", "3");
        assertThat(answer.at("/usage/prompt_tokens").asInt()).isEqualTo(4);
        assertThat(answer.at("/usage/completion_tokens").asInt()).isEqualTo(8);
    }

    @Test
    void takesTokensAsTheyAre() throws Exception {
        assertThat(server.answer(COMPLETIONS, "{'prompt':[97],'max_tokens':1}")
                        .at("/choices/0/text")
                        .asString())
                .isEqualTo("b");
        JsonNode two = server.answer(COMPLETIONS, "{'prompt':[[97],[98,99]],'max_tokens':1}");
        assertThat(two.path("choices").findValuesAsString("text")).containsExactly("b", "d");
        assertThat(two.at("/usage/prompt_tokens").asInt()).isEqualTo(3);
    }

    @Test
    void echoesAPromptWithItsLogProbabilities() throws Exception {
        JsonNode choice = server.answer(COMPLETIONS, "{'prompt':'ab','max_tokens':1,'echo':true,'logprobs':2}")
                .at("/choices/0");

        assertThat(choice.path("text").asString()).isEqualTo("abc");
        JsonNode told = choice.path("logprobs");
        assertThat(told.path("tokens").toString()).isEqualTo("[\"<s>\",\"a\",\"b\",\"c\"]");
        assertThat(told.path("token_logprobs").toString()).isEqualTo("[null,-0.5,-0.5,-0.5]");
        assertThat(told.path("text_offset").toString()).isEqualTo("[0,0,1,2]");
        assertThat(told.at("/top_logprobs/0").isNull()).isTrue();
        assertThat(told.at("/top_logprobs/3").toString()).isEqualTo("{\"A\":0.0,\"B\":-1.0,\"c\":-0.5}");
    }

    @Test
    void scoresAPromptAlone() throws Exception {
        JsonNode answer = server.answer(COMPLETIONS, "{'prompt':'ab','max_tokens':0,'echo':true,'logprobs':0}");

        assertThat(answer.at("/choices/0/text").asString()).isEqualTo("ab");
        assertThat(answer.at("/choices/0/logprobs/token_logprobs")).hasSize(3);
        assertThat(answer.at("/choices/0/logprobs/top_logprobs/1").isNull()).isTrue();
    }

    @Test
    void streamsWhatItWouldAnswer() throws Exception {
        List<JsonNode> parts = server.parts(
                COMPLETIONS, "{'prompt':['a','k'],'max_tokens':5,'n':2,'stream':true,'logprobs':1,'echo':true}");

        JsonNode whole =
                server.answer(COMPLETIONS, "{'prompt':['a','k'],'max_tokens':5,'n':2,'logprobs':1,'echo':true}");
        for (int choice = 0; choice < 4; choice++) {
            int index = choice;
            var text = new StringBuilder();
            var offsets = new StringBuilder();
            parts.stream()
                    .map(part -> part.at("/choices/0"))
                    .filter(part -> part.path("index").asInt() == index)
                    .forEach(part -> {
                        text.append(part.path("text").asString());
                        part.at("/logprobs/text_offset")
                                .forEach(offset -> offsets.append(offset).append(' '));
                    });
            assertThat(text).hasToString(whole.at("/choices/" + index + "/text").asString());
            var expected = new StringBuilder();
            whole.at("/choices/" + index + "/logprobs/text_offset")
                    .forEach(o -> expected.append(o).append(' '));
            assertThat(offsets).hasToString(expected.toString());
        }
        assertThat(parts).noneMatch(part -> part.has("usage"));
        assertThat(parts.stream()
                        .filter(part -> part.at("/choices/0/finish_reason").isString()))
                .hasSize(4);
    }

    @Test
    void tellsAStreamsUsageInItsLastPart() throws Exception {
        List<JsonNode> parts = server.parts(
                COMPLETIONS, "{'prompt':'a','max_tokens':2,'stream':true,'stream_options':{'include_usage':true}}");

        assertThat(parts.getLast().path("choices")).isEmpty();
        assertThat(parts.getLast().at("/usage/total_tokens").asInt()).isEqualTo(4);
        assertThat(parts.subList(0, parts.size() - 1))
                .isNotEmpty()
                .allMatch(part -> part.has("usage") && part.path("usage").isNull());
    }

    @Test
    void answersAChat() throws Exception {
        JsonNode answer = server.answer(
                CHATS,
                "{'messages':[{'role':'user','content':[{'type':'text','text':'x'},{'type':'text','text':'a'}]}],"
                        + "'max_completion_tokens':2,'max_tokens':9,'logprobs':true,'top_logprobs':1}");

        assertThat(answer.path("id").asString()).startsWith("chatcmpl-");
        assertThat(answer.path("object").asString()).isEqualTo("chat.completion");
        assertThat(answer.at("/choices/0/message").toString())
                .isEqualTo("{\"role\":\"assistant\",\"content\":\"bc\",\"refusal\":null}");
        assertThat(answer.at("/choices/0/finish_reason").asString()).isEqualTo("length");
        assertThat(answer.at("/choices/0/logprobs/content/0").toString())
                .isEqualTo("{\"token\":\"b\",\"logprob\":-0.5,\"bytes\":[98],"
                        + "\"top_logprobs\":[{\"token\":\"A\",\"logprob\":0.0,\"bytes\":[65]}]}");
        assertThat(answer.at("/usage/prompt_tokens").asInt()).isEqualTo(3);
    }

    @Test
    void letsAChatGoOnAsFarAsItFits() throws Exception {
        JsonNode answer = server.answer(CHATS, "{'messages':[{'role':'user','content':'abc'}]}");

        assertThat(answer.at("/choices/0/message/content").asString()).hasSize(FakeModel.LENGTH - 3);
        assertThat(answer.at("/choices/0/logprobs").isNull()).isTrue();
    }

    @Test
    void streamsAChat() throws Exception {
        List<JsonNode> parts =
                server.parts(CHATS, "{'messages':[{'role':'user','content':'a'}],'max_tokens':3,'stream':true}");

        assertThat(parts.getFirst().path("object").asString()).isEqualTo("chat.completion.chunk");
        assertThat(parts.stream().map(part -> part.at("/choices/0/delta").toString()))
                .containsExactly(
                        "{\"role\":\"assistant\",\"content\":\"\"}",
                        "{\"content\":\"b\"}",
                        "{\"content\":\"c\"}",
                        "{\"content\":\"d\"}",
                        "{}");
        assertThat(parts.getLast().at("/choices/0/finish_reason").asString()).isEqualTo("length");
    }

    @Test
    void tellsWhatATemplateRefuses() throws Exception {
        HttpResponse<String> response = server.post(CHATS, "{'messages':[{'role':'system','content':'Be kind.'}]}");

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(response.body())
                .isEqualTo("{\"error\":{\"message\":\"no system messages, please\",\"type\":\"invalid_request_error\","
                        + "\"param\":\"messages\",\"code\":\"chat-template-failed\"}}");
    }

    @Test
    void asksForAnotherTimeWhereTooManyWait() throws Exception {
        server.model.refusal = ErrorCode.QUEUE_FULL;

        HttpResponse<String> response = server.post(COMPLETIONS, "{'prompt':['a','b']}");

        assertThat(response.statusCode()).isEqualTo(503);
        assertThat(response.headers().firstValue("Retry-After")).contains("1");
        assertThat(TestServer.json(response).at("/error/code").asString()).isEqualTo("server_overloaded");
    }

    @Test
    void answersAFailureByItsStatusUntilAStreamHasBegun() throws Exception {
        server.model.failure = ErrorCode.TENSOR_NOT_FINITE;
        assertThat(server.post(COMPLETIONS, "{'prompt':'a','stream':true}").statusCode())
                .isEqualTo(500);
        assertThat(server.post(COMPLETIONS, "{'prompt':'a'}").statusCode()).isEqualTo(500);
        server.model.failsAfter = 2;

        HttpResponse<String> begun = server.post(COMPLETIONS, "{'prompt':'a','stream':true}");

        assertThat(begun.statusCode()).isEqualTo(200);
        List<String> events = TestServer.events(begun.body());
        assertThat(events).hasSize(3);
        assertThat(events.getLast())
                .isEqualTo("{\"error\":{\"message\":\"it broke\",\"type\":\"server_error\",\"param\":null,"
                        + "\"code\":\"tensor-not-finite\"}}");
    }

    @Test
    void freesTheRequestOfAClientThatLeavesWhileItWaits() throws Exception {
        server.model.answers = new CountDownLatch(1);
        try (Socket client = call("{'prompt':['a','b'],'max_tokens':3}")) {
            await().until(() -> server.model.submitted.get() == 2);
            assertThat(server.model.cancelled).hasValue(0);
            client.shutdownOutput();
        }

        await().untilAsserted(() -> assertThat(server.model.cancelled).hasValue(2));
        await().untilAsserted(
                        () -> assertThat(server.log).singleElement().asString().contains(" 499 "));
    }

    @Test
    void freesTheRequestOfAClientThatLeavesItsStream() throws Exception {
        server.model.answers = new CountDownLatch(1);
        try (Socket client = call("{'prompt':'a','max_tokens':3,'stream':true}")) {
            await().until(() -> server.model.submitted.get() == 1);
            client.setSoLinger(true, 0);
        }

        await().untilAsserted(() -> assertThat(server.model.cancelled).hasValue(1));
    }

    @Test
    void sendsEachPartAsItComes() throws Exception {
        server.model.answers = new CountDownLatch(1);
        server.model.told = 1;
        try (Socket client = call("{'prompt':'a','max_tokens':2,'stream':true}")) {
            client.setSoTimeout(5_000);

            assertThat(readUntil(client, "\"text\":\"b\"")).doesNotContain("\"text\":\"c\"");

            server.model.answers.countDown();
            assertThat(readUntil(client, "[DONE]")).contains("\"text\":\"c\"");
        }
    }

    @Test
    void takesARequestBehindAnotherForNoFarewell() throws Exception {
        server.model.answers = new CountDownLatch(1);
        try (Socket client = call("{'prompt':'a','max_tokens':3}")) {
            client.getOutputStream().write(http("{'prompt':'k','max_tokens':3}"));
            // It looks at the connection about as often.
            await().until(() -> server.model.waits.get() >= 5);
            server.model.answers.countDown();
            assertThat(readUntil(client, "lmn")).contains("bcd");
        }
        assertThat(server.model.cancelled).hasValue(0);
    }

    @Test
    void givesUpOnABodyThatDoesNotCome() throws Exception {
        try (Socket client = connect()) {
            client.getOutputStream().write((head(100) + "{\"prompt\":").getBytes(StandardCharsets.UTF_8));

            assertThat(readUntil(client, "\r\n")).startsWith("HTTP/1.1 408");
        }
    }

    @Test
    void givesUpOnABodyThatComesByDrops() throws Exception {
        try (Socket client = connect();
                var threads = Executors.newSingleThreadScheduledExecutor()) {
            OutputStream out = client.getOutputStream();
            out.write(head(100_000).getBytes(StandardCharsets.UTF_8));
            Future<?> drops = threads.scheduleAtFixedRate(() -> drop(out), 0, 50, TimeUnit.MILLISECONDS);

            assertThat(readUntil(client, "\r\n")).startsWith("HTTP/1.1 408");
            drops.cancel(true);
        }
    }

    private static void drop(OutputStream out) {
        try {
            out.write(' ');
        } catch (IOException e) {
            throw new UncheckedIOException(e); // It does not come again.
        }
    }

    @Test
    void showsHowItStands() throws Exception {
        assertThat(server.get("/health").statusCode()).isEqualTo(200);
        server.answer(COMPLETIONS, "{'prompt':'a'}");

        String metrics = server.get("/metrics").body();

        assertThat(metrics)
                .contains(
                        "octavo_serve_running 1.0",
                        "octavo_serve_waiting 2.0",
                        "octavo_serve_completion_tokens_total 8.0",
                        "octavo_serve_time_to_first_token_seconds_bucket{le=\"0.001\"}",
                        "octavo_serve_time_to_first_token_seconds_count 1",
                        "octavo_serve_requests_seconds_count{route=\"/v1/completions\",status=\"200\"} 1");
        server.model.refusal = ErrorCode.DEVICE_FAULT;
        assertThat(server.get("/health").statusCode()).isEqualTo(503);
    }

    @Test
    void refusesPathsAndMethodsThatThereAreNot() throws Exception {
        assertThat(TestServer.json(server.get("/v2")).at("/error/code").asString())
                .isEqualTo("unknown_url");
        HttpResponse<String> get = server.get(COMPLETIONS);
        assertThat(get.statusCode()).isEqualTo(405);
        assertThat(get.headers().firstValue("Allow")).contains("POST, OPTIONS");
        assertThat(server.send(server.request(COMPLETIONS)
                                .POST(BodyPublishers.ofString("{}"))
                                .build())
                        .statusCode())
                .isEqualTo(415);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\0\0garbage\r\n\r\n",
                "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET /../etc HTTP/1.1\r\nHost: a\r\n\r\n",
                "POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
                "POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
            })
    void answersWhatIsNoHttpInTheShapeOfEveryError(String sent) throws Exception {
        try (Socket client = connect()) {
            client.getOutputStream().write(sent.getBytes(StandardCharsets.UTF_8));

            assertThat(readUntil(client, "}}")).startsWith("HTTP/1.1 400").contains("\"code\":\"invalid_request\"");
        }
    }

    @Test
    void aServerThatStopsTellsTheCallsThatItDoesNotAnswer() throws Exception {
        server.model.answers = new CountDownLatch(1);
        server.model.told = 1;
        try (Socket stream = call("{'prompt':'a','max_tokens':2,'stream':true}");
                Socket whole = call("{'prompt':'a','max_tokens':2}")) {
            readUntil(stream, "\"text\":\"b\"");
            await().until(() -> server.model.submitted.get() == 2);

            server.close();

            assertThat(readUntil(stream, "[DONE]")).contains("\"code\":\"server_overloaded\"", "data: [DONE]");
            assertThat(readUntil(whole, "}}")).startsWith("HTTP/1.1 503").contains("the server is stopping");
        }
        assertThat(server.model.cancelled).hasValue(2);
    }

    @Test
    void tellsWhatAPathIsCalledByAndWhetherItIsThere() throws Exception {
        HttpResponse<String> head =
                server.send(server.request("/v1/models").HEAD().build());
        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(head.body()).isEmpty();
        assertThat(server.send(server.request(COMPLETIONS).HEAD().build()).statusCode())
                .isEqualTo(405);
        for (var allowed : Map.of(COMPLETIONS, "POST, OPTIONS", "/v1/models/a", "GET, HEAD, OPTIONS")
                .entrySet()) {
            HttpResponse<String> options = options(server, allowed.getKey(), "https://chat.example.com");
            assertThat(options.statusCode()).isEqualTo(204);
            assertThat(options.headers().firstValue("Allow")).contains(allowed.getValue());
            assertThat(options.headers().map().keySet()).noneMatch(name -> name.startsWith("access-control"));
        }
        assertThat(options(server, "/v2", "https://chat.example.com").statusCode())
                .isEqualTo(404);
    }

    private static HttpResponse<String> options(TestServer of, String path, String origin) throws Exception {
        return of.send(of.request(path)
                .method("OPTIONS", BodyPublishers.noBody())
                .header("Origin", origin)
                .header("Access-Control-Request-Method", "POST")
                .header("Access-Control-Request-Headers", "authorization,content-type,x-stainless-lang")
                .build());
    }

    @Test
    void pagesOfThoseOriginsMayCallThatWereNamed() throws Exception {
        String page = "https://chat.example.com";
        try (var open = new TestServer("key", settings -> settings.callableFrom(Set.of(page)))) {
            HttpResponse<String> asked = options(open, COMPLETIONS, page);
            assertThat(asked.statusCode()).isEqualTo(204);
            assertThat(asked.headers().firstValue("Access-Control-Allow-Origin"))
                    .contains(page);
            assertThat(asked.headers()
                            .firstValue("Access-Control-Allow-Headers")
                            .orElse(""))
                    .contains("Authorization", "x-stainless-lang");
            assertThat(options(open, COMPLETIONS, "https://evil.example.com")
                            .headers()
                            .map())
                    .doesNotContainKey("access-control-allow-origin")
                    .containsKey("vary");
            HttpResponse<String> refused =
                    open.send(open.request("/v1/models").header("Origin", page).build());
            assertThat(refused.statusCode()).isEqualTo(401);
            assertThat(refused.headers().firstValue("Access-Control-Allow-Origin"))
                    .contains(page);
        }
    }

    @Test
    void tellsALengthThatTheCacheCuts() throws Exception {
        JsonNode model = TestServer.json(server.get("/v1/models")).at("/data/0");
        assertThat(model.path("max_model_len").asInt()).isEqualTo(FakeModel.LENGTH);
        assertThat(model.path("full_model_len").asInt()).isEqualTo(2 * FakeModel.LENGTH);
    }

    @ParameterizedTest
    @CsvSource({"64, 1, false", "63, 1, true", "64, 0, true", "65, 0, false", "200, 5, false"})
    void tellsOfPromptsThatAreTooLongInOneWay(int tokens, int more, boolean fits) throws Exception {
        String body = "{'prompt':[" + "97,".repeat(tokens - 1) + "97],'echo':true,'max_tokens':" + more + "}";
        HttpResponse<String> answer = server.post(COMPLETIONS, body);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(fits ? 200 : 400);
        if (!fits) {
            assertThat(TestServer.json(answer).at("/error/code").asString()).isEqualTo("context_length_exceeded");
            assertThat(TestServer.json(answer).at("/error/message").asString())
                    .startsWith("this model's maximum context length is 64 tokens")
                    .contains("prompt has " + tokens);
        }
    }

    @Test
    void behindTheServiceItHasMoreNamesAndIsToldWhoCalls() throws Exception {
        try (var behind = new TestServer("key", settings -> settings.behindService(Set.of("ns/repo")))) {
            for (String name : List.of(TestServer.NAME, "ns/repo")) {
                HttpResponse<String> answer = behind.send(behind.request(COMPLETIONS)
                        .header("Authorization", "Bearer key")
                        .header(ServeSettings.CLIENT, "alice")
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString("{\"model\":\"" + name + "\",\"prompt\":\"a\"}"))
                        .build());
                assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
            }
            await().untilAsserted(() -> assertThat(behind.log).hasSize(2).allMatch(line -> line.contains(", alice, ")));
        }
        server.send(server.request(COMPLETIONS)
                .header(ServeSettings.CLIENT, "alice")
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString("{\"prompt\":\"a\"}"))
                .build());
        await().untilAsserted(
                        () -> assertThat(server.log).singleElement().asString().contains(", 127.0.0.1, "));
    }

    @Test
    void asksForItsKey() throws Exception {
        try (var guarded = new TestServer("open sesame")) {
            for (String header : List.of("Bearer open", "Basic open sesame", "Bearer", "")) {
                var request = guarded.request("/v1/models");
                HttpResponse<String> refused = guarded.send(
                        header.isEmpty()
                                ? request.build()
                                : request.header("Authorization", header).build());
                assertThat(refused.statusCode()).as(header).isEqualTo(401);
                assertThat(TestServer.json(refused).at("/error/code").asString())
                        .isEqualTo("invalid_api_key");
            }
            assertThat(guarded.send(guarded.request("/v1/models")
                                    .header("Authorization", "bearer open sesame")
                                    .build())
                            .statusCode())
                    .isEqualTo(200);
            assertThat(guarded.get("/health").statusCode()).isEqualTo(200);
        }
    }

    private static String readUntil(Socket client, String end) throws IOException {
        var read = new StringBuilder();
        var piece = new byte[4096];
        while (!read.toString().contains(end)) {
            int count = client.getInputStream().read(piece);
            assertThat(count).as(read.toString()).isPositive();
            read.append(new String(piece, 0, count, StandardCharsets.UTF_8));
        }
        return read.toString();
    }

    private Socket connect() throws IOException {
        var client = new Socket(InetAddress.getLoopbackAddress(), server.port());
        client.setSoTimeout(20_000);
        return client;
    }

    private Socket call(String body) throws IOException {
        Socket client = connect();
        client.getOutputStream().write(http(body));
        return client;
    }

    private static byte[] http(String body) {
        return (head(body.length()) + body.replace('\'', '"')).getBytes(StandardCharsets.UTF_8);
    }

    private static String head(int bodyBytes) {
        return "POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: "
                + bodyBytes + "\r\n\r\n";
    }
}
