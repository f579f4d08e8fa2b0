package io.octavo.api;

import static io.octavo.api.TestApi.assertProblem;
import static io.octavo.api.TestApi.read;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.jdbc.core.simple.JdbcClient;

/** What is not understood of a request is refused before anything comes of it. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ServiceTest
class StrictRequestsTest {

    private static final String JOB = """
            {"type":"quantize","source":"hub:strict/model","scheme":"FP8_DYNAMIC","target":"strict/out"}""";

    @LocalServerPort
    int port;

    @Autowired
    JdbcClient sql;

    private TestApi api;

    @BeforeAll
    void pushModel() throws Exception {
        api = new TestApi(port, ApiTest.KEY);
        api.commitModel("strict/model");
    }

    private int jobs() {
        return sql.sql("select count(*) from job").query(Integer.class).single();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "GET; /api/v1/jobs?Limit=1; status, type, label, parent, limit, cursor",
                "GET; /api/v1/jobs/00000000-0000-0000-0000-000000000000?x=; none",
                "GET; /api/v1/artifacts?state=1; search, limit, cursor",
                "GET; /api/v1/schemes?x=1; none",
                "GET; /api/v1/workers?limit=1; none",
                "GET; /api/v1/keys?x=1; limit, cursor",
                "GET; /api/v1/audit?x; limit, cursor",
                "GET; /api/v1/repositories/strict/model/files/config.json?rev=main; revision",
                "GET; /api/v1/repositories/strict/model/revisions?%6c=1; deleted, search, limit, cursor",
                "PUT; /api/v1/repositories/strict/model/files/a?revision=x; none",
                "POST; /api/v1/keys?dryRun=true; none"
            })
    void refusesParametersThatACallDoesNotKnow(String method, String path, String known) throws Exception {
        HttpResponse<String> answer = api.send(method, path, method.equals("GET") ? "" : "{}");
        assertProblem(answer, 400, "invalid-request");
        String name = path.substring(path.indexOf('?') + 1).replace("%6c", "l").split("=", 2)[0];
        assertThat(read(answer).get("detail").stringValue())
                .isEqualTo(name + ": is not known here; known are " + known);
        assertThat(read(answer).at("/errors/0/field").stringValue()).isEqualTo(name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"limit=1&limit=2", "status=QUEUED&status=FAILED", "cursor=&cursor="})
    void refusesParametersThatAreGivenTwice(String query) throws Exception {
        assertProblem(api.get("/api/v1/jobs?" + query), 400, "invalid-request");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "jobs?status=",
                "jobs?parent=",
                "jobs?limit=",
                "jobs?cursor=",
                "jobs?type=",
                "jobs?label=",
                "jobs?label",
                "deployments?name=",
                "repositories/strict/model/files/config.json?revision="
            })
    void refusesParametersThatAreEmpty(String call) throws Exception {
        HttpResponse<String> answer = api.get("/api/v1/" + call);
        assertProblem(answer, 400, "invalid-request");
        assertThat(read(answer).at("/errors/0/field").stringValue()).isEqualTo(call.replaceAll(".*\\?|=", ""));
        assertThat(read(answer).get("detail").stringValue()).endsWith("must not be empty; leave it out");
    }

    @ParameterizedTest
    @ValueSource(strings = {"%D9%A5", "%2B5", "05", "0x10", "5.0"})
    void takesNumbersInPlainDigitsAlone(String limit) throws Exception {
        HttpResponse<String> answer = api.get("/api/v1/jobs?limit=" + limit);
        assertProblem(answer, 400, "invalid-request");
        assertThat(read(answer).at("/errors/0/field").stringValue()).isEqualTo("limit");
        assertThat(read(answer).get("detail").stringValue()).contains("is no whole number");
    }

    /** However a path is spelled, it is the same call. */
    @ParameterizedTest
    @ValueSource(strings = {"/%61pi/v1/jobs?dryrun=true", "/api/v1/%6Aobs?dryrun=true", "/ap%69/v1/jobs?dryRun="})
    void refusesParametersOfAPathThatIsEncoded(String path) throws Exception {
        int before = jobs();
        assertProblem(api.post(path, JOB), 400, "invalid-request");
        assertThat(jobs()).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "jobs?type=nope; quantize, convert, evaluate, benchmark, pipeline, serve",
                "jobs?type=QUANTIZE; quantize, convert, evaluate, benchmark, pipeline, serve",
                "jobs?type=%20quantize; quantize, convert, evaluate, benchmark, pipeline, serve",
                "jobs?status=nope; QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED",
                "jobs?status=queued; QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED",
                "jobs?status=QUEUED%20; QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED",
                "webhooks/00000000-0000-0000-0000-000000000000/deliveries?status=no; PENDING, DELIVERED, DEAD"
            })
    void tellsWhichNamesAFilterTakes(String call, String names) throws Exception {
        HttpResponse<String> answer = api.get("/api/v1/" + call);
        assertProblem(answer, 400, "invalid-request");
        String field = call.replaceAll(".*\\?|=.*", "");
        String given = call.replaceAll(".*=", "").replace("%20", " ");
        assertThat(read(answer).at("/errors/0/field").stringValue()).isEqualTo(field);
        assertThat(read(answer).get("detail").stringValue())
                .isEqualTo(field + ": '" + given + "' is not allowed; allowed are " + names);
    }

    @ParameterizedTest
    @ValueSource(strings = {"quantize", "convert", "evaluate", "benchmark", "pipeline", "serve"})
    void findsJobsOfEveryType(String type) throws Exception {
        assertThat(api.get("/api/v1/jobs?type=" + type).statusCode()).isEqualTo(200);
    }

    /** Though the framework would make a number or an id of them. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "jobs?limit=0x10",
                "jobs?limit=%235",
                "jobs?limit=05",
                "jobs?limit=%2B5",
                "jobs?limit=5%20",
                "jobs?limit=%D9%A5",
                "jobs?limit=4294967297",
                "jobs?parent=1-1-1-1-1",
                "jobs?parent=%200000000-0000-0000-0000-000000000000",
                "jobs?parent=00000000-0000-0000-000-0000000000000",
                "jobs/1-1-1-1-1",
                "jobs/00000000000000000000000000000000"
            })
    void takesNumbersAndIdsInTheirOneSpelling(String call) throws Exception {
        assertProblem(api.get("/api/v1/" + call), 400, "invalid-request");
    }

    @ParameterizedTest
    @ValueSource(strings = {"%D9%A5", "%2B5", "05", "-1", "zzz", "9999999999999999999"})
    void takesIdsOfEventsInPlainDigitsAlone(String cursor) throws Exception {
        HttpResponse<String> answer = api.get("/api/v1/audit?cursor=" + cursor);
        assertProblem(answer, 400, "invalid-request");
        assertThat(read(answer).get("detail").stringValue())
                .isEqualTo("cursor: must be the id of an event, a whole number");
    }

    @Test
    void takesCommasInALabelAsTheyAre() throws Exception {
        String labelled = JOB.replace("{", "{\"labels\":{\"team\":\"a,b:c\"},");
        assertThat(api.post("/api/v1/jobs", labelled).statusCode()).isEqualTo(202);
        HttpResponse<String> found = api.get("/api/v1/jobs?label=team:a,b:c");
        assertThat(read(found).get("items")).as(found.body()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "repositories/strict/model/files",
                "repositories/strict/model/files/",
                "artifacts/00000000-0000-0000-0000-000000000000/files"
            })
    void refusesFilesWithoutAPath(String call) throws Exception {
        HttpResponse<String> answer = api.get("/api/v1/" + call);
        assertProblem(answer, 400, "invalid-request");
        assertThat(read(answer).get("detail").stringValue()).isEqualTo("path: is empty");
        if (call.startsWith("repositories")) {
            assertProblem(api.put("/api/v1/" + call, new byte[] {1}), 400, "invalid-request");
        }
    }

    /** Decoded it looks like the path of a file, whose bytes are not looked at. */
    @Test
    void readsBodiesByTheCallThatTakesThem() throws Exception {
        HttpResponse<String> answer = api.put(
                "/api/v1/repositories/strict%2Fmodel%2Ffiles%2Fa/b/retention", "{}".getBytes(StandardCharsets.UTF_8));
        assertProblem(answer, 415, "unsupported-media-type");
        assertThat(read(answer).get("detail").stringValue()).contains("no Content-Type was given");
    }

    @Test
    void quotesWhatIsWrongOnlyUpToALength() throws Exception {
        String longText = "x".repeat(1_000_000);
        for (String body : List.of(
                "{\"name\":\"a\",\"scope\":\"" + longText + "\"}",
                JOB.replace("}", ",\"timeout\":\"" + longText + "\"}"))) {
            HttpResponse<String> answer = api.post(body.contains("scope") ? "/api/v1/keys" : "/api/v1/jobs", body);
            assertProblem(answer, 400, "invalid-request");
            assertThat(answer.body()).hasSizeLessThan(5000);
        }
    }

    @Test
    void takesParametersThatMayBeGivenTwice() throws Exception {
        assertThat(api.get("/api/v1/jobs?label=a:b&label=c:d").statusCode()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "dryRun=True",
                "dryRun=1",
                "dryRun",
                "dryRun=",
                "dryRun=yes",
                "dryRun=on",
                "dryrun=true",
                "DRYRUN=true",
                "dry_run=true",
                "dry-run=true",
                "dryRun=%20true",
                "dryRun=true&dryRun=false",
                "dryRun=false&dryRun=true",
                "dryRun=truth",
                "dryRun[]=true"
            })
    void neverQueuesWhatMayBeMeantAsADryRun(String query) throws Exception {
        int before = jobs();
        assertProblem(api.post("/api/v1/jobs?" + query.replace("[]", "%5B%5D"), JOB), 400, "invalid-request");
        assertThat(jobs()).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "POST|/api/v1/jobs;dryRun=true",
                "DELETE|/api/v1/repositories/strict/model;dryRun=true",
                "PUT|/api/v1/repositories/strict/model/files/a;v=2",
                "GET|/api/v1/repositories/strict/model/files/config.json;b.txt",
                "GET|/api/v1;a/jobs",
                "GET|/actuator/health;a=b"
            })
    void refusesParametersOfAPath(String method, String path) throws Exception {
        int before = jobs();
        HttpResponse<String> answer = api.send(method, path, method.equals("POST") ? JOB : "");
        assertProblem(answer, 400, "invalid-request");
        assertThat(read(answer).get("detail").stringValue()).contains("%3B");
        assertThat(jobs()).isEqualTo(before);
        assertThat(api.get(CONFIG).statusCode()).isEqualTo(200);
    }

    @Test
    void refusesParametersOfAPathAsClientsOfServedModelsReadIt() throws Exception {
        HttpResponse<String> answer = api.get("/serve/v1/models;a=b");
        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(read(answer).at("/error/message").stringValue()).contains("%3B");
    }

    @Test
    void takesNoBodyOfMoreValuesThanAnyCallNeeds() throws Exception {
        String values = "\"a\",".repeat(100_000) + "\"a\"";
        for (String path : List.of("/api/v1/jobs", "/api/v1/tenants", "/api/v1/repositories/strict/model/revisions")) {
            assertProblem(api.post(path, "{\"x\":[" + values + "]}"), 413, "body-too-large");
        }
        String retention = "/api/v1/repositories/strict/model/retention";
        assertProblem(api.send("PUT", retention, "{\"x\":[" + values + "]}"), 413, "body-too-large");
    }

    @Test
    void tellsTheFirstOfVeryManyFieldsThatAreWrong() throws Exception {
        HttpResponse<String> answer =
                api.post("/api/v1/repositories/strict/model/revisions", "{\"files\":[" + "{},".repeat(5000) + "{}]}");
        assertProblem(answer, 400, "invalid-request");
        assertThat(read(answer).get("errors")).hasSize(64);
    }

    @Test
    void describesItselfInJsonAlone() throws Exception {
        assertThat(api.get("/v3/api-docs").statusCode()).isEqualTo(200);
        for (String path : List.of("/v3/api-docs.yaml", "/v3/api-docs.yml", "/v3/api-docs/yaml", "/openapi.yaml")) {
            assertProblem(api.get(path), 404, "not-found");
        }
        assertProblem(api.send("GET", "/v3/api-docs", "", "Accept", "application/yaml"), 406, "not-acceptable");
    }

    @Test
    void queuesWhatIsSaidToBeNone() throws Exception {
        int before = jobs();
        assertThat(api.post("/api/v1/jobs?dryRun=true", JOB).statusCode()).isEqualTo(200);
        assertThat(jobs()).isEqualTo(before);
        assertThat(api.post("/api/v1/jobs?dryRun=false", JOB).statusCode()).isEqualTo(202);
        assertThat(jobs()).isEqualTo(before + 1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "application/yaml",
                "application/x-yaml",
                "text/yaml",
                "application/xml",
                "text/xml",
                "application/vnd.a+xml",
                "application/cbor",
                "application/x-jackson-smile",
                "application/x-www-form-urlencoded",
                "multipart/form-data;boundary=a",
                "text/plain",
                "application/octet-stream",
                "application/*",
                "*/*"
            })
    void takesAndGivesNothingButJson(String type) throws Exception {
        HttpResponse<String> answer = api.send(api.to("/api/v1/jobs")
                .header("Content-Type", type)
                .POST(BodyPublishers.ofString("type: quantize\nsource: hub:strict/model\n")));
        assertProblem(answer, 415, "unsupported-media-type");
        assertProblem(
                api.send(api.to("/api/v1/repositories/strict/model/retention")
                        .header("Content-Type", type)
                        .PUT(BodyPublishers.ofString("{}"))),
                415,
                "unsupported-media-type");
        if (!type.endsWith("/*")) {
            assertProblem(api.send("GET", "/api/v1/jobs", "", "Accept", type), 406, "not-acceptable");
            assertProblem(api.send("GET", "/api/v1/schemes", "", "Accept", type), 406, "not-acceptable");
        }
    }

    /** RFC 8259, section 8.1; readers of JSON would guess the encoding by the first bytes. */
    @ParameterizedTest
    @ValueSource(strings = {"UTF-16", "UTF-16BE", "UTF-16LE", "UTF-32", "UTF-32BE", "UTF-32LE", "ISO-8859-1"})
    void readsJsonInUtf8Alone(String encoding) throws Exception {
        byte[] job = JOB.replace("{", "{\"labels\":{\"a\":\"é\"},").getBytes(Charset.forName(encoding));
        for (String path : List.of("/api/v1/jobs", "/api/v1/jobs?dryRun=true", "/api/v1/tenants")) {
            assertProblem(post(path, "application/json", job), 400, "invalid-request");
            assertProblem(post(path, "application/json;charset=" + encoding, job), 415, "unsupported-media-type");
        }
        byte[] chat = "{\"model\":\"é\",\"messages\":[]}".getBytes(Charset.forName(encoding));
        HttpResponse<String> served = post("/serve/v1/chat/completions", "application/json", chat);
        assertThat(served.statusCode()).as(served.body()).isEqualTo(400);
        assertThat(read(served).at("/error/code").stringValue()).isEqualTo("invalid_json");
        served = post("/serve/v1/chat/completions", "application/json;charset=" + encoding, chat);
        assertThat(served.statusCode()).as(served.body()).isEqualTo(415);
    }

    @Test
    void tellsWhereABodyIsNotInUtf8() throws Exception {
        byte[] body = "{\n \"name\": \"é\"}".getBytes(StandardCharsets.ISO_8859_1);
        assertThat(read(post("/api/v1/tenants", "application/json", body))
                        .get("detail")
                        .stringValue())
                .endsWith("line 2, column 11: a byte 0xE9 is there, but JSON is written in UTF-8");
    }

    @Test
    void takesUtf8ByItsName() throws Exception {
        byte[] job = JOB.replace("{", "{\"labels\":{\"a\":\"é\"},").getBytes(StandardCharsets.UTF_8);
        for (String type : List.of("application/json; charset=utf-8", "application/json;charset=\"UTF-8\"")) {
            assertThat(post("/api/v1/jobs?dryRun=true", type, job).statusCode()).isEqualTo(200);
        }
    }

    private HttpResponse<String> post(String path, String type, byte[] body) throws Exception {
        return api.send(api.to(path).header("Content-Type", type).POST(BodyPublishers.ofByteArray(body)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/api/v1/jobs?type=%00",
                "/api/v1/jobs?type=a%0Ab",
                "/api/v1/jobs?label=a:b%00",
                "/api/v1/jobs?cursor=%00",
                "/api/v1/jobs?limit=%zz",
                "/api/v1/jobs?cursor=KzEwMDAwMDAwLTAxLTAxVDAwOjAwOjAwWnwwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDA",
                "/api/v1/repositories/strict/model/revisions?cursor=%00",
                "/api/v1/repositories/strict/model/revisions?cursor=KzEwMDAwMDAwLTAxLTAxVDAwOjAwOjAwWnww",
                "/api/v1/repositories/strict/model/files/config.json?revision=%00",
                "/api/v1/audit?cursor=18446744073709551615",
                "/api/v1/jobs/00000000-0000-0000-0000-000000000000/events?cursor=18446744073709551615"
            })
    void refusesInQueriesWhatTheDatabaseCannotHold(String path) throws Exception {
        var raw = raw("GET " + path + " HTTP/1.1");
        assertThat(raw).startsWith("HTTP/1.1 4");
    }

    @ParameterizedTest
    @ValueSource(strings = {"CONNECT /api/v1/jobs", "CONNECT a:443", "TRACE /api/v1/jobs", "PATCH /api/v1/jobs", "X /"})
    void refusesMethodsThatNoCallHas(String call) throws Exception {
        assertThat(raw(call + " HTTP/1.1")).startsWith("HTTP/1.1 4");
    }

    private String raw(String line) throws Exception {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.getOutputStream()
                    .write((line + "\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer " + ApiTest.KEY
                                    + "\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "''",
                "'2020-01-01T00:00:00Z'",
                "'+999999999-12-31T23:59:59Z'",
                "'9999-12-31T23:59:59Z'",
                "'-1000000-01-01T00:00:00Z'",
                "'tomorrow'",
                "'2999'",
                "1893456000",
                "true"
            })
    void refusesEndsOfKeysThatMakeNoSense(String expiresAt) throws Exception {
        HttpResponse<String> answer = api.post(
                "/api/v1/keys",
                "{'name':'k','scope':'read','expiresAt':%s}"
                        .formatted(expiresAt)
                        .replace('\'', '"'));
        assertProblem(answer, 400, "invalid-request");
        assertThat(read(answer).get("detail").stringValue()).contains("expiresAt");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "/keys; {'name':'a\\u0000b','scope':'read'}; name",
                "/keys; {'name':'a\\nb','scope':'read'}; name",
                "/keys; {'name':'a\\u009bb','scope':'read'}; name",
                "/keys; {'name':'\\ud800','scope':'read'}; name",
                "/keys; {'name':'   ','scope':'read'}; name",
                "/keys; {'name':'a','scope':'\\u0000'}; scope",
                "/tenants; {'name':'a\\u0000'}; name",
                "/webhooks; {'url':'http://127.0.0.1/\\u0000'}; url",
                "/webhooks; {'url':'http://127.0.0.1/','events':['\\u0000']}; events",
                "/repositories/strict/model/revisions; {'message':'a\\u0000b','files':[]}; message",
                "/repositories/strict/model/revisions; {'message':'\\ud800','files':[]}; message",
                "/repositories/strict/model/revisions; {'files':[{'path':'a\\u0000','size':1,'sha256':'a'}]}; path",
                "/repositories/strict/model/revisions; {'files':[{'path':'a\\u0085','size':1,'sha256':'"
                        + "0000000000000000000000000000000000000000000000000000000000000000'}]}; path"
            })
    void refusesNamesThatCannotBeShown(String path, String body, String field) throws Exception {
        HttpResponse<String> answer = api.post("/api/v1" + path, body.replace('\'', '"'));
        assertProblem(answer, 400, "invalid-request");
        assertThat(read(answer).get("detail").stringValue()).contains(field);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "/keys; {'name':'a','scope':'read'}; {'name':'b','scope':'read'}",
                "/tenants; {'name':'once'}; {'name':'twice'}",
                "/webhooks; {'url':'http://127.0.0.1:1/'}; {'url':'http://127.0.0.1:2/'}",
                "/repositories/strict/model/revisions; {'message':'a','files':[]}; {'message':'b','files':[]}"
            })
    void answersAsBeforeWhatIsSentAgainWithItsKey(String call, String body, String other) throws Exception {
        String path = "/api/v1" + call;
        String files = api.put("/api/v1/repositories/strict/model/files/a", new byte[] {1})
                .body();
        String first = body.replace("[]", "[" + files + "]").replace('\'', '"');
        String[] key = {"Idempotency-Key", "again " + call};
        HttpResponse<String> made = api.send("POST", path, first, key);
        assertThat(made.statusCode()).as(made.body()).isEqualTo(201);
        HttpResponse<String> again = api.send("POST", path, first, key);
        assertThat(again.body()).isEqualTo(made.body());
        assertThat(again.statusCode()).isEqualTo(201);
        assertThat(again.headers().firstValue("Location"))
                .isEqualTo(made.headers().firstValue("Location"));
        assertThat(again.headers().firstValue("Content-Type")).hasValue("application/json");
        assertProblem(
                api.send("POST", path, other.replace("[]", "[" + files + "]").replace('\'', '"'), key),
                409,
                "idempotency-key-reused");
        assertProblem(api.send("POST", path + "x", first, key), 409, "idempotency-key-reused");
    }

    @Test
    void cancelsOnceAndSaysSoTwice() throws Exception {
        String job = read(api.post("/api/v1/jobs", JOB)).get("id").stringValue();
        String cancel = "/api/v1/jobs/" + job + "/cancel";
        HttpResponse<String> first = api.send("POST", cancel, "", "Idempotency-Key", job);
        assertThat(first.statusCode()).as(first.body()).isEqualTo(200);
        HttpResponse<String> again = api.send("POST", cancel, "", "Idempotency-Key", job);
        assertThat(again.statusCode()).isEqualTo(200);
        assertThat(again.body()).isEqualTo(first.body());
        assertProblem(api.post(cancel, ""), 409, "job-not-cancellable");
        assertProblem(
                api.send("POST", "/api/v1/jobs/" + job + "/retry", "", "Idempotency-Key", job),
                409,
                "idempotency-key-reused");
    }

    @Test
    void keepsNoAnswerThatAnotherCallerOrTheDatabaseCouldRead() throws Exception {
        String body = "{\"name\":\"a\",\"scope\":\"admin\"}";
        HttpResponse<String> made = api.send("POST", "/api/v1/keys", body, "Idempotency-Key", "secret");
        String secret = read(made).get("key").stringValue();
        TestApi other = new TestApi(port, secret);
        HttpResponse<String> another = other.send("POST", "/api/v1/keys", body, "Idempotency-Key", "secret");
        assertThat(another.statusCode()).isEqualTo(201);
        assertThat(another.body()).isNotEqualTo(made.body());
        assertThat(sql.sql("select answer from kept_answer").query(String.class).list())
                .isNotEmpty()
                .noneMatch(answer -> answer.contains(secret) || answer.contains("octv_"));
    }

    /** As clients spell it, who may mix cases and blanks. */
    @Test
    void aKeptAnswerOpensHoweverTheCredentialIsSpelled() throws Exception {
        String body = "{\"name\":\"a\",\"scope\":\"read\"}";
        HttpResponse<String> made = api.send("POST", "/api/v1/keys", body, "Idempotency-Key", "spelled");
        HttpResponse<String> again = new TestApi(port, null)
                .send(
                        "POST",
                        "/api/v1/keys",
                        body,
                        "Idempotency-Key",
                        "spelled",
                        "Authorization",
                        "bearer " + ApiTest.KEY);
        assertThat(again.body()).isEqualTo(made.body());
    }

    @Test
    void asksAnewWhatWasRefused() throws Exception {
        String body = "{\"name\":\"later\"}";
        String tenant = read(api.post("/api/v1/tenants", body)).get("id").stringValue();
        assertProblem(api.send("POST", "/api/v1/tenants", body, "Idempotency-Key", "t"), 409, "tenant-exists");
        sql.sql("delete from namespace where tenant = cast(:id as uuid)")
                .param("id", tenant)
                .update();
        sql.sql("delete from tenant where id = cast(:id as uuid)")
                .param("id", tenant)
                .update();
        assertThat(api.send("POST", "/api/v1/tenants", body, "Idempotency-Key", "t")
                        .statusCode())
                .isEqualTo(201);
    }

    @Test
    void tellsThatARequestIsBeingAnswered() throws Exception {
        String body = "{\"name\":\"busy\"}";
        api.send("POST", "/api/v1/tenants", body, "Idempotency-Key", "busy");
        sql.sql("update kept_answer set answer = null").update();
        assertProblem(
                api.send("POST", "/api/v1/tenants", body, "Idempotency-Key", "busy"), 409, "idempotency-key-in-use");
        sql.sql("update kept_answer set created_at = now() - interval '3 minutes'")
                .update();
        assertProblem(api.send("POST", "/api/v1/tenants", body, "Idempotency-Key", "busy"), 409, "tenant-exists");
    }

    @ParameterizedTest
    @ValueSource(strings = {" ", "a\tb"})
    void refusesKeysThatAreNone(String key) throws Exception {
        assertProblem(
                api.send("POST", "/api/v1/tenants", "{\"name\":\"k\"}", "Idempotency-Key", key),
                400,
                "invalid-request");
        assertProblem(api.send("POST", "/api/v1/jobs", JOB, "Idempotency-Key", key), 400, "invalid-request");
    }

    private static final String CONFIG = "/api/v1/repositories/strict/model/files/config.json";

    /** RFC 9110, sections 13 and 14. */
    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "GET; If-None-Match; '\"ETAG\"'; 304",
                "GET; If-None-Match; 'W/\"ETAG\"'; 304",
                "GET; If-None-Match; '\"a\", \"ETAG\"'; 304",
                "GET; If-None-Match; *; 304",
                "GET; If-None-Match; '\"a\"'; 200",
                "HEAD; If-None-Match; '\"ETAG\"'; 304",
                "GET; If-Match; '\"ETAG\"'; 200",
                "GET; If-Match; *; 200",
                "GET; If-Match; '\"a\"'; 412",
                "GET; If-Match; 'W/\"ETAG\"'; 412",
                "GET; Range; bytes=0-3; 206",
                "GET; Range; bytes=-3; 206",
                "GET; Range; bytes=3-; 206",
                "GET; Range; bytes=5-2; 200",
                "GET; Range; lines=0-3; 200",
                "GET; Range; bytes=x; 200",
                "GET; Range; 'bytes=0-1,3-4'; 200",
                "GET; Range; bytes=0-99999999999999999999; 206",
                "GET; Range; bytes=00000000000000000000000-3; 206",
                "GET; Range; bytes=-99999999999999999999; 206",
                "GET; Range; bytes=99999999999999999998-99999999999999999999; 416",
                "GET; Range; bytes=99999999999999999999-; 416",
                "GET; Range; bytes=99999999999999999999-0; 200",
                "GET; Range; bytes=9223372036854775807-9223372036854775807; 416",
                "GET; Range; BYTES=0-3; 206",
                "GET; Range; 'bytes=,0-3 ,'; 206",
                "GET; Range; bytes=+0-3; 200",
                "GET; Range; bytes=-; 200",
                "GET; Range; bytes=; 200",
                "GET; Range; bytes=100000-; 416",
                "GET; Range; bytes=-0; 416",
                "HEAD; Range; bytes=0-3; 200",
                "HEAD; Range; bytes=100000-; 200",
                "PUT; If-Match; '\"ETAG\"'; 200",
                "PUT; If-Match; '\"a\"'; 412",
                "PUT; If-None-Match; *; 412",
                "PUT; If-None-Match; '\"a\"'; 200"
            })
    void answersConditionsAndRangesByTheStandard(String method, String header, String value, int status)
            throws Exception {
        String etag = api.get(CONFIG).headers().firstValue("ETag").orElseThrow().replace("\"", "");
        HttpResponse<String> answer =
                api.send(method, CONFIG, method.equals("PUT") ? "{}" : "", header, value.replace("ETAG", etag));
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        if (status == 412) {
            assertProblem(answer, 412, "precondition-failed");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "bytes=2-99999999999999999999, 2, SIZE",
        "bytes=2-9223372036854775807, 2, SIZE",
        "bytes=-99999999999999999999, 0, SIZE",
        "bytes=2-4, 2, 5",
        "bytes=-3, -3, SIZE"
    })
    void cutsRangesAtTheEndOfTheFile(String range, int from, String to) throws Exception {
        String whole = api.get(CONFIG).body();
        int start = from < 0 ? whole.length() + from : from;
        int end = to.equals("SIZE") ? whole.length() : Integer.parseInt(to);
        HttpResponse<String> part = api.send("GET", CONFIG, "", "Range", range);
        assertThat(part.statusCode()).isEqualTo(206);
        assertThat(part.body()).isEqualTo(whole.substring(start, end));
        assertThat(part.headers().firstValue("Content-Range"))
                .hasValue("bytes " + start + "-" + (end - 1) + "/" + whole.length());
    }

    @Test
    void putsWhatMustBeNewOnlyWhereNothingIs() throws Exception {
        String fresh = "/api/v1/repositories/strict/fresh/files/a";
        assertThat(api.send("PUT", fresh, "{}", "If-None-Match", "*").statusCode())
                .isEqualTo(200);
        assertProblem(api.send("PUT", fresh, "{}", "If-Match", "*"), 412, "precondition-failed");
    }

    @Test
    void documentsItsParameters() throws Exception {
        var submit = read(api.get("/v3/api-docs")).at("/paths/~1api~1v1~1jobs/post");
        assertThat(submit.get("responses").propertyNames()).contains("200", "202");
        var parameters = submit.get("parameters");
        assertThat(parameters)
                .anySatisfy(parameter -> {
                    assertThat(parameter.get("name").stringValue()).isEqualTo("dryRun");
                    assertThat(parameter.at("/schema/type").stringValue()).isEqualTo("boolean");
                })
                .hasSize(4);
    }
}
