package io.octavo.jobs.deployment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.octavo.jobs.JobsTest;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.TimeCursor;
import io.octavo.jobs.problem.Failure;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.queue.Claim;
import io.octavo.jobs.queue.FoundPlans;
import io.octavo.jobs.queue.Lease;
import io.octavo.jobs.queue.LeaseLostException;
import io.octavo.jobs.queue.WorkerIdentity;
import io.octavo.jobs.spec.JobSpecReader;
import io.octavo.jobs.spec.ServeSpec;
import io.octavo.jobs.testing.EmbeddedServices;
import io.octavo.wire.DeploymentHealth;
import io.octavo.wire.DeploymentState;
import io.octavo.wire.DeploymentView;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;

/** A deployment through all of its states, with workers that come and go. */
@Timeout(60)
@TestPropertySource(
        properties = {
            "octavo.collector.enabled=false",
            "octavo.secrets.keys.a=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "octavo.secrets.current=a"
        })
class DeploymentsTest extends JobsTest {

    private static final TenantId TENANT = TenantId.BUILT_IN;
    private static final TenantId OTHER = new TenantId(UUID.randomUUID());
    private static final String BOOKS = "{'source': 'hub:octavo/books'}";
    private static final ServedEndpoint FIRST = new ServedEndpoint("http://127.0.0.1:1", "first secret", 512);
    private static final ServedEndpoint SECOND = new ServedEndpoint("http://127.0.0.1:2", "second secret", 512);
    private static final DeploymentHealth HEALTH = new DeploymentHealth(1, 2, 3, 4, 5, 6, 7, 8, 9);

    private static final JsonMapper JSON = JsonMapper.builder().build();

    @DynamicPropertySource
    static void services(DynamicPropertyRegistry registry) {
        EmbeddedServices.register(registry);
    }

    @Autowired
    Deployments deployments;

    @Autowired
    DeploymentWork work;

    @Autowired
    JobSpecReader reader;

    @BeforeEach
    void startEmpty() {
        sql.sql("truncate job, job_event, idempotency, artifact, artifact_file, evaluation, deployment")
                .update();
        sql.sql("insert into tenant (id, name) values (?, 'other') on conflict do nothing")
                .param(OTHER.value())
                .update();
    }

    /** @param request JSON with ' in place of " */
    private ServeSpec spec(String request) {
        return reader.readDeployment(JSON.readTree(request.replace('\'', '"')));
    }

    private DeploymentView create(String request) {
        return deployments.create(TENANT, spec(request), FoundPlans.NONE);
    }

    private Lease claim() {
        return queue.claim(new WorkerIdentity(UUID.randomUUID(), "worker"), Set.of(ServeSpec.TYPE))
                .map(Claim::lease)
                .orElseThrow();
    }

    private void expire(Lease lease) {
        sql.sql("update job set lease_expires_at = now() - interval '1 second' where id = ?")
                .param(lease.jobId())
                .update();
    }

    private DeploymentState state(UUID id) {
        return deployments.get(TENANT, id).state();
    }

    private Optional<ServedEndpoint> endpoint(String model) {
        return deployments.route(TENANT, model).map(ServedRoute::endpoint);
    }

    @Test
    void goesFromTheQueueToReadyAndBackToItWhenItsWorkerIsLost() {
        DeploymentView created = create(BOOKS);
        assertThat(created.state()).isEqualTo(DeploymentState.QUEUED);
        assertThat(created.name()).isEqualTo("books");
        assertThat(created.waiting()).isNotNull();

        Lease first = claim();
        assertThat(state(created.id())).isEqualTo(DeploymentState.LOADING);
        work.ready(first, FIRST);
        work.report(first, HEALTH, Duration.ofSeconds(5));
        DeploymentView ready = deployments.get(TENANT, created.id());
        assertThat(ready.state()).isEqualTo(DeploymentState.READY);
        assertThat(ready.health()).isEqualTo(HEALTH);
        assertThat(ready.maxModelLength()).isEqualTo(512);
        assertThat(endpoint("books")).hasValue(FIRST);
        assertThat(endpoint("octavo/books")).hasValue(FIRST);

        expire(first); // before anybody notices, nobody is sent to a worker that may be gone
        assertThat(state(created.id())).isEqualTo(DeploymentState.LOADING);
        assertThat(endpoint("books")).isEmpty();
        queue.reclaimExpired();
        assertThat(state(created.id())).isEqualTo(DeploymentState.QUEUED);

        Lease second = claim();
        assertThat(second.attempt()).isEqualTo(2);
        assertThat(state(created.id())).isEqualTo(DeploymentState.LOADING);
        assertThat(deployments.get(TENANT, created.id()).health()).isNull();
        work.ready(second, SECOND);
        assertThat(endpoint("books")).hasValue(SECOND);
    }

    @Test
    void whoLostTheLeaseWritesNothing() {
        UUID id = create(BOOKS).id();
        Lease stale = claim();
        work.ready(stale, FIRST);
        expire(stale);
        queue.reclaimExpired();
        Lease current = claim();
        assertThatExceptionOfType(LeaseLostException.class).isThrownBy(() -> work.ready(stale, FIRST));
        assertThatExceptionOfType(LeaseLostException.class).isThrownBy(() -> work.report(stale, HEALTH, Duration.ZERO));
        assertThatExceptionOfType(LeaseLostException.class).isThrownBy(() -> work.timeLeft(stale));
        assertThatExceptionOfType(LeaseLostException.class).isThrownBy(() -> queue.forgetAttempts(stale));
        assertThat(state(id)).isEqualTo(DeploymentState.LOADING);
        assertThat(endpoint("books")).isEmpty();

        work.ready(current, SECOND);
        assertThatExceptionOfType(LeaseLostException.class).isThrownBy(() -> work.report(stale, HEALTH, Duration.ZERO));
        assertThat(deployments.get(TENANT, id).health()).isNull();
    }

    @Test
    void isStoppedByItsOwnerAndThenGone() {
        UUID id = create(BOOKS).id();
        Lease lease = claim();
        work.ready(lease, FIRST);
        deployments.delete(TENANT, id);
        assertThat(endpoint("books")).isEmpty();
        assertThat(state(id)).isEqualTo(DeploymentState.STOPPING);
        assertThat(queue.heartbeat(lease).cancelRequested()).isTrue();
        create(BOOKS); // the name is free at once
        deployments.delete(TENANT, id); // again, to no effect
        queue.cancelled(lease);
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> deployments.get(TENANT, id))
                .returns(ProblemCode.DEPLOYMENT_NOT_FOUND, ProblemException::code);
        assertThat(list()).extracting(DeploymentView::state).containsExactly(DeploymentState.QUEUED);
    }

    private List<DeploymentView> list() {
        return deployments
                .list(TENANT, Optional.empty(), new PageLimit(10), TimeCursor.parse(null))
                .items();
    }

    @Test
    void oneThatNoWorkerHasYetIsStoppedAtOnce() {
        UUID id = create(BOOKS).id();
        deployments.delete(TENANT, id);
        assertThat(list()).isEmpty();
        assertThat(service.get(TENANT, id).status().isTerminal()).isTrue();
    }

    @Test
    void aNameBelongsToOneUntilThatIsOver() {
        UUID first = create("{'source': 'hub:octavo/books', 'name': 'b'}").id();
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> create("{'source': 'hub:octavo/poems', 'name': 'b'}"))
                .returns(ProblemCode.DEPLOYMENT_EXISTS, ProblemException::code);
        Lease lease = claim();
        work.ready(lease, FIRST);
        queue.complete(lease, JsonNodeFactory.instance.objectNode());
        assertThat(state(first)).isEqualTo(DeploymentState.STOPPED);

        UUID second = create("{'source': 'hub:octavo/poems', 'name': 'b'}").id();
        assertThat(list()).extracting(DeploymentView::id).containsExactly(second);
    }

    @Test
    void oneThatCannotBeServedTellsWhyUntilItIsDeleted() {
        UUID id = create(BOOKS).id();
        queue.fail(claim(), Failure.of(ProblemCode.SOURCE_NOT_FOUND, "no such thing"));
        DeploymentView failed = deployments.get(TENANT, id);
        assertThat(failed.state()).isEqualTo(DeploymentState.FAILED);
        assertThat(failed.problem()).isNotNull().returns("source-not-found", problem -> problem.code());
        assertThat(deployments.route(TENANT, "books"))
                .hasValueSatisfying(route -> assertThat(route.state()).isEqualTo(DeploymentState.FAILED));
        assertThat(deployments.route(TENANT, "octavo/books")).isEmpty();
        deployments.delete(TENANT, id);
        assertThat(deployments.route(TENANT, "books")).isEmpty();
    }

    @Test
    void isNobodyElses() {
        UUID id = create(BOOKS).id();
        work.ready(claim(), FIRST);
        assertThat(deployments.route(OTHER, "books")).isEmpty();
        assertThat(deployments.route(OTHER, "octavo/books")).isEmpty();
        assertThat(deployments.ready(OTHER)).isEmpty();
        assertThat(deployments.ready(TENANT)).extracting(DeploymentView::id).containsExactly(id);
        assertThat(deployments
                        .list(OTHER, Optional.empty(), new PageLimit(10), TimeCursor.parse(null))
                        .items())
                .isEmpty();
        assertThatExceptionOfType(ProblemException.class).isThrownBy(() -> deployments.get(OTHER, id));
        assertThatExceptionOfType(ProblemException.class).isThrownBy(() -> deployments.delete(OTHER, id));
        assertThat(endpoint("books")).hasValue(FIRST);
        deployments.create(OTHER, spec(BOOKS), FoundPlans.NONE); // who may have one of the same name
    }

    @Test
    void aRepositoryNamesTheOneThatIsReady() {
        create("{'source': 'hub:octavo/books', 'name': 'a'}");
        work.ready(claim(), FIRST);
        create("{'source': 'hub:octavo/books', 'name': 'b'}");
        assertThat(endpoint("octavo/books")).hasValue(FIRST);
        assertThat(deployments.route(TENANT, "b"))
                .hasValueSatisfying(route -> assertThat(route.endpoint()).isNull());
    }

    @Test
    void itsTimeCountsFromWhenItWasReadyFirst() {
        create("{'source': 'hub:octavo/books', 'ttl': 'PT1H'}");
        Lease first = claim();
        assertThat(work.timeLeft(first)).isEmpty();
        assertThat(work.ready(first, FIRST))
                .hasValueSatisfying(left -> assertThat(left).isBetween(Duration.ofMinutes(59), Duration.ofHours(1)));
        sql.sql("update deployment set expires_at = expires_at - interval '2 hours'")
                .update();
        expire(first);
        queue.reclaimExpired();
        Lease second = claim();
        assertThat(work.timeLeft(second))
                .hasValueSatisfying(left -> assertThat(left).isNegative());
        assertThat(work.ready(second, SECOND))
                .hasValueSatisfying(left -> assertThat(left).isNegative());
    }

    @Test
    void attemptsOfLongAgoAreForgotten() {
        UUID id = create(BOOKS).id();
        for (int attempt = 1; attempt <= 7; attempt++) { // three are allowed
            Lease lease = claim();
            assertThat(lease.attempt()).isEqualTo(attempt);
            work.ready(lease, FIRST);
            queue.forgetAttempts(lease);
            expire(lease);
            queue.reclaimExpired();
        }
        assertThat(state(id)).isEqualTo(DeploymentState.QUEUED);
    }

    @Test
    void itsJobIsNoneThatCanBeSubmittedOrRetried() {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> reader.read(JSON.readTree("{\"type\":\"serve\",\"source\":\"hub:octavo/books\"}")))
                .withMessageContaining("deployments");
        UUID id = create(BOOKS).id();
        service.cancel(TENANT, id);
        assertThat(state(id)).isEqualTo(DeploymentState.STOPPED);
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> service.retry(TENANT, id))
                .returns(ProblemCode.JOB_NOT_RETRYABLE, ProblemException::code);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {'source': 's3://bucket/model'}                            | name is required
            {'source': 'hub:a/b', 'name': 'a/b'}                       | name must be 1 to 96
            {'source': 'hub:a/b', 'type': 'quantize'}                  | type must be one of serve
            {'source': 'step:a', 'name': 'b'}                          | source must not be a step
            {'source': 'hub:a/b', 'timeout': 'PT1H'}                   | timeout is not for deployments
            {'source': 'hub:a/b', 'phaseTimeout': 'PT1H'}              | phaseTimeout is not for deployments
            {'source': 'hub:a/b', 'ttl': '1h'}                         | ttl must be an ISO 8601 duration
            {'source': 'hub:a/b', 'idle': 'PT0S'}                      | idle must be an ISO 8601 duration
            {'source': 'hub:a/b', 'kvCache': 'fp4'}                    | kvCache must be one of auto
            {'source': 'hub:a/b', 'maxSequences': 0}                   | maxSequences must be at least 1
            {'source': 'hub:a/b', 'maxModelLength': 0}                 | maxModelLength must be at least 1
            {'source': 'hub:a/b', 'onlineQuantization': 'NVFP4'}       | onlineQuantization must be one of FP8
            {'source': 'hub:a/b', 'secret': 'x'}                       | secret is not known here
            {'source': 'hub:a/b', 'labels': {'a': 'b\\u202ec'}}         | labels.a must not hold U+202E
            {'source': 'hub:a/b', 'onlineQuantization': 'a\\u0007b'}    | onlineQuantization must not hold U+0007
            {'name': 'b'}                                              | source is required
            """)
    void whatIsWrongWithARequestIsTold(String request, String message) {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> spec(request))
                .withMessageContaining(message)
                .returns(ProblemCode.INVALID_REQUEST, ProblemException::code);
    }

    @Test
    void aSpecIsReadAsItWasStored() {
        ServeSpec spec = spec("{'source': 'hub:a/b', 'ttl': 'PT1H', 'idle': 'PT5M', 'kvCache': 'int8', 'priority': 3,"
                + " 'maxModelLength': 64, 'kvCacheMebibytes': 9, 'requirements': {'labels': {'pool': 'a'}}}");
        assertThat(reader.readStored(spec.toJson())).isEqualTo(spec);
        assertThat(spec.toJson().path("type").asString("")).isEqualTo("serve");
        assertThat(spec.pinned("0".repeat(40)).source()).hasToString("hub:a/b@" + "0".repeat(40));
        assertThat(spec.pinned("0".repeat(40)).servedName()).isEqualTo("b");
    }
}
