package io.octavo.jobs.queue;

import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.data.jpa.repository.Modifying;
import org.springframework.data.jpa.repository.NativeQuery;
import org.springframework.data.repository.Repository;

/** Which job a client's key stands for; each tenant has keys of its own. */
interface IdempotencyKeyRepository extends Repository<Job, UUID> {

    /** Makes requests with the same key wait for each other until the transaction ends. */
    @NativeQuery("select cast(pg_advisory_xact_lock(hashtextextended(cast(:tenant as text) || :key, 0)) as text)")
    @Nullable String lock(UUID tenant, String key);

    @NativeQuery("""
            select request_sha256 as requestSha256, job_id as jobId from idempotency
            where tenant = :tenant and key = :key
            """)
    Optional<Use> find(UUID tenant, String key);

    @Modifying
    @NativeQuery("""
            insert into idempotency (tenant, key, request_sha256, job_id)
            values (:tenant, :key, :requestSha256, :jobId)
            """)
    int insert(UUID tenant, String key, String requestSha256, UUID jobId);

    /** What a key was used for. */
    record Use(String requestSha256, UUID jobId) {}
}
