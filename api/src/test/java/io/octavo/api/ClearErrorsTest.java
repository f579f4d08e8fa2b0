package io.octavo.api;

import static io.octavo.api.TestApi.assertProblem;
import static io.octavo.api.TestApi.read;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.boot.test.web.server.LocalServerPort;

/** A refusal says what is wrong, where, what stands there and what may. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ExtendWith(OutputCaptureExtension.class)
@ServiceTest
class ClearErrorsTest {

    private static final String FILE = "/api/v1/repositories/clear/model/files/config.json";

    @LocalServerPort
    int port;

    private TestApi api;

    @BeforeAll
    void pushModel() throws Exception {
        api = new TestApi(port, ApiTest.KEY);
        api.commitModel("clear/model");
    }

    private static String detail(HttpResponse<String> answer) {
        return read(answer).get("detail").stringValue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "/keys| {'name':'a','name':'b'}| line 1, column 19| 'name' is given twice",
                "/jobs| {'type':'quantize','type':'convert'}| line 1, column 26| 'type' is given twice",
                "/keys| {'name':'a','scopes':'read'}| line 1, column| 'scopes' is not known here; known are expiresAt, name",
                "/webhooks| {'url':'http://a/','events':{}}| line 1, column| must be a list",
                "/keys| {'name':['a']}| line 1, column| must be a string",
                "/keys| {'name':'a'} {}| line 1, column| text follows the end",
                "/keys| {'name' 'a'}| line 1, column 9| expecting a colon",
                "/keys| {'name':'a'| line 1, column| end-of-input",
                "/keys| {'name':NaN}| line 1, column 12| Non-standard token",
                "/keys| {/*a*/}| line 1, column 2| Unexpected character"
            })
    void saysWhatOfABodyIsWrongAndWhere(String path, String body, String where, String what) throws Exception {
        HttpResponse<String> answer = api.post("/api/v1" + path, body.replace('\'', '"'));
        assertProblem(answer, 400, "invalid-request");
        assertThat(detail(answer)).contains(where, what).doesNotContain("Feature", "Source", "ALLOW_");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/jobs", "/jobs?dryRun=true", "/keys", "/webhooks", "/repositories/clear/model/revisions"})
    void saysThatABodyIsEmpty(String path) throws Exception {
        HttpResponse<String> answer = api.post("/api/v1" + path, "");
        assertProblem(answer, 400, "invalid-request");
        assertThat(detail(answer)).isEqualTo("the body is empty; this call takes a JSON object");
    }

    @Test
    void saysWhereABodyIsNestedTooDeep() throws Exception {
        String body = "{\n  \"x\": " + "[".repeat(600) + "]".repeat(600) + "}";
        for (String path : List.of("/api/v1/jobs", "/api/v1/keys")) {
            HttpResponse<String> answer = api.post(path, body);
            assertProblem(answer, 400, "invalid-request");
            assertThat(detail(answer)).contains("line 2, column 507", "nested deeper than 500");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "/jobs?status=DONE; status: 'DONE' is not allowed; QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED",
                "/jobs?limit=many; limit: 'many'; is no whole number",
                "/jobs?parent=x; parent: 'x'; is no id; ids are UUIDs",
                "/jobs/x; id: 'x'; is no id",
                "/artifacts/123; id: '123'; is no id",
                "/webhooks/00000000-0000-0000-0000-000000000000/deliveries?status=x; status: 'x'; is not allowed"
            })
    void saysWhatAParameterMayBe(String path, String where, String what) throws Exception {
        HttpResponse<String> answer = api.get("/api/v1" + path);
        assertProblem(answer, 400, "invalid-request");
        assertThat(detail(answer)).contains(where, what);
        assertThat(read(answer).at("/errors/0/field").stringValue()).isEqualTo(where.substring(0, where.indexOf(':')));
    }

    @Test
    void saysWhichEventsThereAre() throws Exception {
        HttpResponse<String> answer = api.post("/api/v1/webhooks", "{\"url\":\"http://127.0.0.1/\",\"events\":[]}");
        assertProblem(answer, 400, "invalid-request");
        assertThat(detail(answer)).contains("events must name 1 to 5 of", "job.succeeded");
    }

    @Test
    void saysWhichTypeABodyMustHave() throws Exception {
        HttpResponse<String> answer = api.send(
                api.to("/api/v1/jobs").header("Content-Type", "text/plain").POST(BodyPublishers.ofString("{}")));
        assertProblem(answer, 415, "unsupported-media-type");
        assertThat(detail(answer)).isEqualTo("the body must be of application/json, not of text/plain");
        HttpResponse<String> none = api.send(api.to("/api/v1/jobs").POST(BodyPublishers.ofString("{}")));
        assertThat(detail(none)).isEqualTo("the body must be of application/json, and no Content-Type was given");
    }

    @Test
    void takesNoPartOfAFileForTheWhole() throws Exception {
        HttpResponse<String> answer = api.send("PUT", FILE, "{}", "Content-Range", "bytes 0-1/10");
        assertProblem(answer, 400, "invalid-request");
        assertThat(detail(answer)).contains("Content-Range", "whole file");
    }

    @ParameterizedTest
    @ValueSource(strings = {"gzip", "br", "identity, gzip", "rot13"})
    void takesNoEncodedBody(String coding) throws Exception {
        for (String method : List.of("PUT", "POST")) {
            String path = method.equals("PUT") ? FILE : "/api/v1/keys";
            HttpResponse<String> answer = api.send(method, path, "{}", "Content-Encoding", coding);
            assertProblem(answer, 415, "unsupported-media-type");
            assertThat(detail(answer)).contains("without a Content-Encoding");
            assertThat(answer.headers().firstValue("Accept-Encoding")).hasValue("identity");
        }
    }

    @Test
    void takesABodyThatIsSaidToBeAsItIs() throws Exception {
        assertThat(api.send("PUT", FILE, "{}", "Content-Encoding", "Identity").statusCode())
                .isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/api/v1/keys", "/api/v1/jobs"})
    void takesOneIdempotencyKeyAlone(String path) throws Exception {
        HttpResponse<String> answer = api.send("POST", path, "{}", "Idempotency-Key", "a", "Idempotency-Key", "b");
        assertProblem(answer, 400, "invalid-request");
        assertThat(detail(answer)).contains("Idempotency-Key", "2 different ones");
    }

    @Test
    void refusesTwoNamesOfWhichOneWouldBeLostElsewhere() throws Exception {
        String stored = api.put("/api/v1/repositories/clear/model/files/a", new byte[] {1})
                .body();
        String other = stored.replace("\"a\"", "\"A\"");
        HttpResponse<String> answer =
                api.post("/api/v1/repositories/clear/model/revisions", "{\"files\":[" + stored + "," + other + "]}");
        assertProblem(answer, 400, "invalid-request");
        assertThat(detail(answer)).contains("'a' and 'A' are one name to macOS and Windows");
    }

    /** RFC 6266 and RFC 8187. */
    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "plain.json; filename=\"plain.json\"",
                "sub/plain.json; filename=\"plain.json\"",
                "a%22b%3Bc.json; filename=\"a\\\"b;c.json\"",
                "gr%C3%B6%C3%9Fe%20%E2%82%AC.json; filename*=UTF-8''gr%C3%B6%C3%9Fe%20%E2%82%AC.json",
                "a%25b.json; filename=\"a%b.json\""
            })
    void spellsTheNameOfADownload(String path, String spelled) throws Exception {
        String stored = api.put("/api/v1/repositories/clear/names/files/" + path, new byte[] {1})
                .body();
        assertThat(api.post("/api/v1/repositories/clear/names/revisions", "{\"files\":[" + stored + "]}")
                        .statusCode())
                .isEqualTo(201);
        HttpResponse<String> answer = api.get("/api/v1/repositories/clear/names/files/" + path);
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.headers().firstValue("Content-Disposition").orElseThrow())
                .startsWith("attachment; ")
                .contains(spelled);
    }

    /** What the server itself refuses, before any call is looked for. */
    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "GET /api/v1/jobs HTTP/9.9; 505",
                "GET /api/v1/jo\\u0001bs HTTP/1.1; 400",
                "GET /api/v1/jobs<> HTTP/1.1; 400",
                "G@T /api/v1/jobs HTTP/1.1; 400",
                "GARBAGE; 400",
                "TRACE /api/v1/jobs HTTP/1.1; 405",
                "PATCH /api/v1/jobs HTTP/1.1; 405",
                "BREW /api/v1/jobs HTTP/1.1; 400"
            })
    void isAProblemToo(String line, int status) throws Exception {
        String answer = raw(line.replace("\\u0001", "\u0001") + "\r\nHost: a\r\n");
        assertThat(answer).startsWith("HTTP/1.1 " + status).contains("application/problem+json", "\"code\":\"");
    }

    @Test
    void headersThatAreTooLargeAreAProblemToo() throws Exception {
        String answer = raw("GET /api/v1/jobs HTTP/1.1\r\nHost: a\r\nX: " + "x".repeat(9000) + "\r\n");
        assertThat(answer)
                .startsWith("HTTP/1.1 4")
                .contains("application/problem+json", "\"code\":\"", "headers of more than 8 KiB");
    }

    @Test
    void codingsAndExpectationsThatAreNotKnownAreNoOtherProblem() throws Exception {
        String post = "POST /api/v1/keys HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
        assertThat(raw(post + "Transfer-Encoding: gzip\r\n"))
                .startsWith("HTTP/1.1 400")
                .contains("a Transfer-Encoding other than chunked");
        assertThat(raw(post + "Expect: x\r\n")).startsWith("HTTP/1.1 417").contains("100-continue alone is met");
    }

    @ParameterizedTest
    @CsvSource({
        "POST, /api/v1/keys, Transfer-Encoding: chunked",
        "PUT, /api/v1/repositories/clear/model/files/a, Transfer-Encoding: chunked",
        "PUT, /api/v1/repositories/clear/model/files/a, Content-Length: 10",
        "POST, /serve/v1/completions, Transfer-Encoding: chunked"
    })
    void saysThatABodyBreaksOff(String method, String path, String length) throws Exception {
        String answer = raw(
                method + " " + path + " HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" + length + "\r\n",
                "zz\r\n");
        assertThat(answer).startsWith("HTTP/1.1 400").contains("breaks off, or its chunks are malformed");
        if (path.startsWith("/api")) {
            assertThat(answer).contains("\"instance\":\"" + path + "\"");
        }
    }

    @Test
    void askingWronglyIsNoWarningInTheLog(CapturedOutput log) throws Exception {
        assertProblem(api.send("DELETE", "/api/v1/jobs", ""), 405, "method-not-allowed");
        assertProblem(api.get("/api/v1/nothing"), 404, "not-found");
        assertThat(log.getAll()).doesNotContain("is not supported", "No mapping for");
    }

    @Test
    void whoeverSendsNoBearerTokenLearnsWhatIsNeeded() throws Exception {
        HttpResponse<String> answer =
                new TestApi(port, null).send("GET", "/api/v1/jobs", "", "Authorization", "Basic YTpi");
        assertProblem(answer, 401, "unauthenticated");
        assertThat(detail(answer)).startsWith("this call needs an API key");
    }

    private String raw(String request) throws Exception {
        return raw(request, "");
    }

    private String raw(String request, String body) throws Exception {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.getOutputStream()
                    .write((request + "Connection: close\r\nAuthorization: Bearer " + ApiTest.KEY + "\r\n\r\n" + body)
                            .getBytes(UTF_8));
            socket.shutdownOutput();
            return new String(socket.getInputStream().readAllBytes(), UTF_8);
        }
    }
}
