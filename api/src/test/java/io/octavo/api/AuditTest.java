package io.octavo.api;

import static io.octavo.api.TestApi.id;
import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.api.audit.ChangesNothing;
import io.octavo.jobs.queue.WorkerIdentity;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.dao.DataAccessException;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.servlet.mvc.method.RequestMappingInfo;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import tools.jackson.databind.node.JsonNodeFactory;

/** A change and its entry are committed together, or neither is. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ServiceTest
class AuditTest extends RunningService {

    private static final String JOB = """
            {"type":"quantize","source":"hub:audit/model","scheme":"FP8_DYNAMIC","target":"audit/out"}""";

    @Autowired
    @Qualifier("requestMappingHandlerMapping") RequestMappingHandlerMapping mapping;

    private TestApi api;
    private long before;

    @BeforeAll
    void pushModel() throws Exception {
        api = operator();
        api.commitModel("audit/model");
        api.commitRunnableModel("audit/served");
    }

    @BeforeEach
    void rememberTheLastEntry() {
        before = sql.sql("select max(id) from audit_event").query(Long.class).single();
    }

    @AfterEach
    void noMoreFaults() {
        sql.sql("drop trigger if exists fault on job").update();
        sql.sql("drop trigger if exists fault on audit_event").update();
    }

    private record Entry(String action, String outcome, int status) {}

    /** Of calls since the test began. */
    private List<Entry> entries() {
        return sql.sql("select action, outcome, coalesce(status, 0) from audit_event where id > :before order by id")
                .param("before", before)
                .query((row, number) -> new Entry(row.getString(1), row.getString(2), row.getInt(3)))
                .list();
    }

    private int jobs() {
        return sql.sql("select count(*) from job").query(Integer.class).single();
    }

    private void failOn(String timing, String table) {
        sql.sql("""
                        create or replace function fault() returns trigger language plpgsql as $$
                        begin raise exception 'the test says no'; end $$
                        """).update();
        sql.sql("create " + timing + " insert on " + table + " "
                        + (timing.startsWith("constraint") ? "deferrable initially deferred " : "")
                        + "for each row execute function fault()")
                .update();
    }

    @Test
    void everyCallThatChangesSomethingCommitsOneEntryWithIt() throws Exception {
        List<String> calls = new ArrayList<>();
        String repository = "/api/v1/repositories/audit/more";
        String of = " /api/v1/repositories/{namespace}/{name}";
        String file = api.put(repository + "/files/more", new byte[] {1}).body();
        calls.add("PUT" + of + "/files/{*path}");
        api.post(repository + "/revisions", "{\"files\":[" + file + "]}");
        calls.add("POST" + of + "/revisions");
        String job = id(api.post("/api/v1/jobs", JOB));
        calls.add("POST /api/v1/jobs");
        api.post("/api/v1/jobs/" + job + "/cancel", "");
        calls.add("POST /api/v1/jobs/{id}/cancel");
        String webhook = id(api.post("/api/v1/webhooks", "{\"url\":\"http://127.0.0.1:9/hook\"}"));
        calls.add("POST /api/v1/webhooks");
        api.post("/api/v1/jobs/" + job + "/retry", "");
        calls.add("POST /api/v1/jobs/{id}/retry");
        queue.complete(
                queue.claim(new WorkerIdentity(UUID.randomUUID(), "w"), Set.of("quantize"))
                        .orElseThrow()
                        .lease(),
                JsonNodeFactory.instance.objectNode());
        String deliveries = "/api/v1/webhooks/" + webhook + "/deliveries";
        String delivery = TestApi.read(api.get(deliveries)).at("/items/0/id").stringValue();
        api.post(deliveries + "/" + delivery + "/replay", "");
        calls.add("POST /api/v1/webhooks/{id}/deliveries/{delivery}/replay");
        api.send("DELETE", "/api/v1/webhooks/" + webhook, "");
        calls.add("DELETE /api/v1/webhooks/{id}");
        String key = id(api.post("/api/v1/keys", "{\"name\":\"k\",\"scope\":\"read\"}"));
        calls.add("POST /api/v1/keys");
        api.send("DELETE", "/api/v1/keys/" + key, "");
        calls.add("DELETE /api/v1/keys/{id}");
        String tenant = "/api/v1/tenants/" + id(api.post("/api/v1/tenants", "{\"name\":\"audited\"}"));
        calls.add("POST /api/v1/tenants");
        api.send("PUT", tenant + "/quota", "{\"maxBytes\":1}");
        calls.add("PUT /api/v1/tenants/{id}/quota");
        api.send("PUT", tenant + "/namespaces/more-of-it", "");
        calls.add("PUT /api/v1/tenants/{id}/namespaces/{namespace}");
        api.send("DELETE", tenant + "/namespaces/more-of-it", "");
        calls.add("DELETE /api/v1/tenants/{id}/namespaces/{namespace}");
        api.send("DELETE", tenant, "");
        calls.add("DELETE /api/v1/tenants/{id}");
        api.send("PUT", repository + "/retention", "{\"maxAgeDays\":1}");
        calls.add("PUT" + of + "/retention");
        String artifact = "/api/v1/artifacts/" + artifactOf(job, file);
        api.send("DELETE", artifact, "");
        calls.add("DELETE /api/v1/artifacts/{id}");
        api.post(artifact + "/restore", "");
        calls.add("POST /api/v1/artifacts/{id}/restore");
        api.post("/api/v1/jobs/" + job + "/cancel", "");
        calls.add("POST /api/v1/jobs/{id}/cancel");
        api.send("DELETE", "/api/v1/jobs/" + job, "");
        calls.add("DELETE /api/v1/jobs/{id}");
        String deployment = id(api.post("/api/v1/deployments", "{\"source\":\"hub:audit/served\"}"));
        calls.add("POST /api/v1/deployments");
        api.send("DELETE", "/api/v1/deployments/" + deployment, "");
        calls.add("DELETE /api/v1/deployments/{id}");
        String revision = id(api.post(repository + "/revisions", "{\"files\":[" + file + "]}"));
        calls.add("POST" + of + "/revisions");
        api.send("DELETE", repository + "/revisions/" + revision, "");
        calls.add("DELETE" + of + "/revisions/{revision}");
        api.post(repository + "/revisions/" + revision + "/restore", "");
        calls.add("POST" + of + "/revisions/{revision}/restore");
        api.send("DELETE", repository, "");
        calls.add("DELETE" + of);
        api.post(repository + "/restore", "");
        calls.add("POST" + of + "/restore");
        callTheHub(calls);

        assertThat(entries())
                .containsExactlyElementsOf(calls.stream()
                        .map(call -> new Entry(call, "COMMITTED", 0))
                        .toList());
        assertThat(new TreeSet<>(calls))
                .as("a call that may change something needs a line in this test")
                .containsExactlyInAnyOrderElementsOf(changingCalls());
    }

    private void callTheHub(List<String> calls) throws Exception {
        String hub = "/hub/api/models/audit/hub";
        String of = " /hub/api/models/{namespace}/{name}";
        String named = "{\"organization\":\"audit\",\"name\":\"hub\"}";
        api.post("/hub/api/repos/create", named);
        calls.add("POST /hub/api/repos/create");
        String bytes = "what audit alone sends";
        String sha256 = "550be89dcd19ce4395b003d41778e17938e631090e34847f07341c886a41cc09";
        String batch =
                "{\"operation\":\"upload\",\"objects\":[{\"oid\":\"" + sha256 + "\",\"size\":" + bytes.length() + "}]}";
        HttpResponse<String> told = api.post("/hub/audit/hub.git/info/lfs/objects/batch", batch);
        calls.add("POST /hub/{namespace}/{name}.git/info/lfs/objects/batch");
        String upload = TestApi.read(told).at("/objects/0/actions/upload/href").stringValue();
        new TestApi(port, null).put(upload.replaceFirst("http://[^/]*", ""), TestApi.bytes(bytes));
        calls.add("PUT /hub/uploads/{sha256}");
        api.post(hub + "/commit/main", """
                {"key":"header","value":{"summary":"s"}}
                {"key":"file","value":{"path":"f","content":"text"}}
                """);
        calls.add("POST" + of + "/commit/{branch}");
        api.post(hub + "/branch/b", "{}");
        calls.add("POST" + of + "/branch/{branch}");
        api.send("DELETE", hub + "/branch/b", "");
        calls.add("DELETE" + of + "/branch/{branch}");
        api.post(hub + "/tag/main", "{\"tag\":\"v1\"}");
        calls.add("POST" + of + "/tag/{revision}");
        api.send("DELETE", hub + "/tag/v1", "");
        calls.add("DELETE" + of + "/tag/{tag}");
        api.send("DELETE", "/hub/api/repos/delete", named);
        calls.add("DELETE /hub/api/repos/delete");
    }

    private UUID artifactOf(String job, String file) {
        UUID id = UUID.randomUUID();
        sql.sql("""
                        insert into artifact (
                            id, job_id, namespace, name, revision, label, weight_bits, size_bytes, source,
                            source_revision, scheme, layout, engine_version, report_sha256)
                        values (
                            :id, :job, 'audit', 'more', 'r', 'l', 8, 1, 's', 'r', 'FP8_DYNAMIC', 'l', '1', :report)
                        """)
                .param("id", id)
                .param("job", UUID.fromString(job))
                .param("report", file.replaceAll(".*\"sha256\":\"|\"}.*", ""))
                .update();
        return id;
    }

    private Set<String> changingCalls() {
        Set<String> found = new TreeSet<>();
        for (var entry : mapping.getHandlerMethods().entrySet()) {
            if (entry.getValue().hasMethodAnnotation(ChangesNothing.class)) {
                continue;
            }
            RequestMappingInfo call = entry.getKey();
            Set<String> methods = call.getMethodsCondition().getMethods().stream()
                    .filter(method -> method != RequestMethod.GET)
                    .map(Enum::name)
                    .collect(Collectors.toSet());
            for (String pattern : call.getPatternValues()) {
                methods.forEach(method -> found.add(method + " " + pattern));
            }
        }
        return found;
    }

    @Test
    void aCallThatChangesNothingSaysWhatCameOfIt() throws Exception {
        api.post("/api/v1/jobs?dryRun=true", JOB);
        api.post("/api/v1/jobs", "{\"type\":\"no\"}");
        api.post("/api/v1/jobs/" + UUID.randomUUID() + "/cancel", "");
        assertThat(entries())
                .containsExactly(
                        new Entry("POST /api/v1/jobs", "ANSWERED", 200),
                        new Entry("POST /api/v1/jobs", "REFUSED", 400),
                        new Entry("POST /api/v1/jobs/{id}/cancel", "REFUSED", 404));
    }

    @Test
    void aCommitThatFailsTakesItsEntryWithItAndLeavesOneOfTheFailure() throws Exception {
        int jobs = jobs();
        failOn("constraint trigger fault after", "job");
        HttpResponse<String> answer = api.post("/api/v1/jobs", JOB);
        assertThat(answer.statusCode()).as(answer.body()).isGreaterThanOrEqualTo(500);
        assertThat(jobs()).isEqualTo(jobs);
        assertThat(entries()).containsExactly(new Entry("POST /api/v1/jobs", "FAILED", answer.statusCode()));
    }

    @Test
    void withoutItsEntryThereIsNoChange() throws Exception {
        int jobs = jobs();
        failOn("trigger fault before", "audit_event");
        assertThat(api.post("/api/v1/jobs", JOB).statusCode()).isGreaterThanOrEqualTo(500);
        assertThat(jobs()).isEqualTo(jobs);
        assertThat(entries()).isEmpty();
    }

    /** The database loses the connection when everything is written and nothing is committed. */
    @Test
    void aSessionThatDiesBeforeTheCommitLeavesNeither() throws Exception {
        int jobs = jobs();
        sql.sql("""
                        create or replace function fault() returns trigger language plpgsql as $$
                        begin
                            if new.outcome = 'COMMITTED' then
                                perform pg_terminate_backend(pg_backend_pid());
                            end if;
                            return new;
                        end $$
                        """).update();
        sql.sql("create constraint trigger fault after insert on audit_event deferrable initially deferred"
                        + " for each row execute function fault()")
                .update();
        HttpResponse<String> answer = api.post("/api/v1/jobs", JOB);
        assertThat(answer.statusCode()).isGreaterThanOrEqualTo(500);
        assertThat(jobs()).isEqualTo(jobs);
        assertThat(entries()).containsExactly(new Entry("POST /api/v1/jobs", "FAILED", answer.statusCode()));
    }

    @Test
    void entriesCannotBeChangedAndAreReadWithTheirOutcome() throws Exception {
        api.post("/api/v1/jobs", JOB);
        List<String> refused = new ArrayList<>();
        for (String change : List.of("update audit_event set outcome = 'FAILED'", "delete from audit_event")) {
            try {
                sql.sql(change).update();
            } catch (DataAccessException e) {
                refused.add(change);
            }
        }
        assertThat(refused).hasSize(2);
        HttpResponse<String> listed = api.get("/api/v1/audit?limit=1");
        assertThat(TestApi.read(listed).at("/items/0/outcome").stringValue()).isEqualTo("COMMITTED");
        assertThat(TestApi.read(listed).at("/items/0/status").isNull()).isTrue();
    }
}
