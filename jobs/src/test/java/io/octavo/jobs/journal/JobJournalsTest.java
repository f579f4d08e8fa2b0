package io.octavo.jobs.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.octavo.hub.RepositoryName;
import io.octavo.jobs.JobsTest;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.deletion.Collector;
import io.octavo.jobs.hash.Sha256;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.problem.Failure;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.queue.FoundPlans;
import io.octavo.jobs.queue.Lease;
import io.octavo.jobs.queue.LeaseLostException;
import io.octavo.jobs.queue.WorkerIdentity;
import io.octavo.jobs.repository.RepositoryService;
import io.octavo.jobs.spec.QuantizeSpec;
import io.octavo.jobs.testing.EmbeddedServices;
import io.octavo.jobs.testing.Specs;
import io.octavo.wire.RepositoryFile;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.node.JsonNodeFactory;

/** Who may keep files for a job, and how long they stay. */
@Timeout(60)
@TestPropertySource(
        properties = {"octavo.collector.enabled=false", "octavo.storage.bucket=journals", "octavo.collector.quota=10B"})
class JobJournalsTest extends JobsTest {

    private static final TenantId TENANT = TenantId.BUILT_IN;
    private static final String KEY = "the same bytes in the same way";
    private static final String NAME = "layer-0000";

    @DynamicPropertySource
    static void services(DynamicPropertyRegistry registry) {
        EmbeddedServices.register(registry);
    }

    @Autowired
    JobJournals journals;

    @Autowired
    BlobStore blobs;

    @Autowired
    RepositoryService repositories;

    @Autowired
    Collector collector;

    @BeforeEach
    void startEmpty() {
        sql.sql("truncate job, job_event, idempotency, artifact, artifact_file, evaluation, job_journal")
                .update();
    }

    private Lease start() {
        var spec = Specs.quantize("hub:octavo/model", "octavo/out", List.of(), 0);
        service.submit(TENANT, spec, FoundPlans.NONE);
        return claim();
    }

    private Lease claim() {
        return queue.claim(new WorkerIdentity(UUID.randomUUID(), "worker"), Set.of(QuantizeSpec.TYPE))
                .orElseThrow()
                .lease();
    }

    /** As when its worker dies. */
    private Lease overtake(Lease lease) {
        sql.sql("update job set lease_expires_at = now() - interval '1 second' where id = ?")
                .param(lease.jobId())
                .update();
        assertThat(queue.reclaimExpired()).isEqualTo(1);
        return claim();
    }

    private BlobId store(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        var id = new BlobId(Sha256.hex(text), bytes.length);
        blobs.putForService(id, new ByteArrayInputStream(bytes));
        return id;
    }

    private int rows() {
        return sql.sql("select count(*) from job_journal").query(Integer.class).single();
    }

    private void age() {
        sql.sql("update blob set touched_at = now() - interval '2 days'").update();
    }

    @Test
    void theNextAttemptFindsWhatWasKept() {
        Lease first = start();
        BlobId file = store("solved " + UUID.randomUUID());
        assertThat(journals.keep(first, KEY, NAME, file)).isTrue();
        Lease second = overtake(first);
        assertThat(journals.of(second.jobId(), KEY)).isEqualTo(Map.of(NAME, file));
        assertThat(journals.of(second.jobId(), "another key")).isEmpty();
        assertThat(journals.of(UUID.randomUUID(), KEY)).isEmpty();
    }

    @Test
    void anAttemptThatWasOvertakenNeitherAddsNorReplaces() {
        Lease first = start();
        BlobId old = store("old " + UUID.randomUUID());
        journals.keep(first, KEY, NAME, old);
        Lease second = overtake(first);
        BlobId late = store("late " + UUID.randomUUID());
        assertThatExceptionOfType(LeaseLostException.class).isThrownBy(() -> journals.keep(first, KEY, NAME, late));
        assertThatExceptionOfType(LeaseLostException.class).isThrownBy(() -> journals.keep(first, KEY, "more", late));
        assertThat(journals.of(second.jobId(), KEY)).isEqualTo(Map.of(NAME, old));

        journals.keep(second, KEY, NAME, late);
        assertThat(journals.of(second.jobId(), KEY)).isEqualTo(Map.of(NAME, late));
    }

    enum End {
        SUCCESS,
        FAILURE,
        CANCELLATION
    }

    @ParameterizedTest
    @EnumSource(End.class)
    void entriesGoWithTheEndOfTheirJob(End end) {
        Lease lease = start();
        Lease other = start();
        BlobId file = store("solved " + UUID.randomUUID());
        journals.keep(lease, KEY, NAME, file);
        journals.keep(other, KEY, NAME, file);
        switch (end) {
            case SUCCESS -> queue.complete(lease, JsonNodeFactory.instance.objectNode());
            case FAILURE -> queue.fail(lease, Failure.of(ProblemCode.SCHEME_UNKNOWN, "no such scheme"));
            case CANCELLATION -> {
                queue.release(lease);
                service.cancel(TENANT, lease.jobId());
            }
        }
        assertThat(journals.of(lease.jobId(), KEY)).isEmpty();
        assertThat(journals.of(other.jobId(), KEY)).containsKey(NAME);
    }

    @Test
    void entriesOutliveAFailureThatMayPass() {
        Lease lease = start();
        journals.keep(lease, KEY, NAME, store("solved " + UUID.randomUUID()));
        queue.fail(lease, Failure.of(ProblemCode.STORAGE_UNAVAILABLE, "storage is down"));
        assertThat(journals.of(lease.jobId(), KEY)).hasSize(1);
    }

    @Test
    void bytesStayWhileTheJobRunsAndAreCollectedAfterwards() {
        Lease lease = start();
        BlobId file = store("solved " + UUID.randomUUID());
        journals.keep(lease, KEY, NAME, file);
        age();
        collector.collect();
        assertThat(blobs.find(file.sha256())).isPresent();

        queue.complete(lease, JsonNodeFactory.instance.objectNode());
        collector.collect();
        assertThat(blobs.find(file.sha256())).isEmpty();
    }

    @Test
    void whatACollectionTookIsNotListed() {
        Lease lease = start();
        BlobId file = store("solved " + UUID.randomUUID());
        age();
        collector.collect();
        assertThat(journals.keep(lease, KEY, NAME, file)).isFalse();
        assertThat(rows()).isZero();
    }

    /** A release before this one ends jobs without knowing of entries. */
    @Test
    void entriesOfJobsThatOthersEndedAreCollected() {
        Lease lease = start();
        journals.keep(lease, KEY, NAME, store("solved " + UUID.randomUUID()));
        sql.sql("""
                        update job set status = 'SUCCEEDED', finished_at = now(), lease_owner = null, lease_expires_at = null
                        """).update();
        collector.collect();
        assertThat(rows()).isZero();
    }

    @Test
    void whatIsKeptCountsForNoQuotaAndCanBeNamedByNobody() {
        BlobId file = store("more than the ten bytes of the quota " + UUID.randomUUID());
        assertThat(sql.sql("select count(*) from blob_owner where sha256 = ?")
                        .param(file.sha256())
                        .query(Integer.class)
                        .single())
                .isZero();
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> repositories.commit(
                        TENANT,
                        RepositoryName.parse("a/b"),
                        "steal",
                        List.of(new RepositoryFile("f", file.size(), file.sha256()))))
                .satisfies(refused -> assertThat(refused.code()).isEqualTo(ProblemCode.BLOBS_MISSING));
    }
}
