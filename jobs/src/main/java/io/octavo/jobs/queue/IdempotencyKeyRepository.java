package io.octavo.jobs.queue;

import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.data.jpa.repository.Modifying;
import org.springframework.data.jpa.repository.NativeQuery;
import org.springframework.data.repository.Repository;

interface IdempotencyKeyRepository extends Repository<IdempotencyKey, String> {

    /** Makes requests with the same key wait for each other until the transaction ends. */
    @NativeQuery("select cast(pg_advisory_xact_lock(hashtextextended(:key, 0)) as text)")
    @Nullable String lock(String key);

    Optional<IdempotencyKey> findById(String key);

    @Modifying
    @NativeQuery("insert into idempotency (key, request_sha256, job_id) values (:key, :requestSha256, :jobId)")
    int insert(String key, String requestSha256, UUID jobId);
}
