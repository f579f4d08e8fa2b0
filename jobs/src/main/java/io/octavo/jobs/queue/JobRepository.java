package io.octavo.jobs.queue;

import jakarta.persistence.LockModeType;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.springframework.data.domain.Limit;
import org.springframework.data.jpa.repository.Lock;
import org.springframework.data.jpa.repository.NativeQuery;
import org.springframework.data.jpa.repository.Query;
import org.springframework.data.repository.Repository;

interface JobRepository extends Repository<Job, UUID> {

    Job saveAndFlush(Job job);

    Optional<Job> findByTenantAndId(UUID tenant, UUID id);

    @Lock(LockModeType.PESSIMISTIC_WRITE)
    @Query("select j from Job j where j.id = :id")
    Optional<Job> lock(UUID id);

    @Lock(LockModeType.PESSIMISTIC_WRITE)
    @Query("select j from Job j where j.tenant = :tenant and j.id = :id")
    Optional<Job> lock(UUID tenant, UUID id);

    @NativeQuery("select now()")
    Instant now();

    /** The next job for a worker, locked; jobs that others are claiming are passed over. */
    @NativeQuery("""
            select * from job
            where status = 'QUEUED' and available_at <= now() and type in (:types)
            order by priority desc, created_at, id
            limit 1
            for update skip locked
            """)
    Optional<Job> lockNext(Collection<String> types);

    @NativeQuery("""
            select * from job
            where status = 'RUNNING' and lease_expires_at < now()
            order by id
            limit 100
            for update skip locked
            """)
    List<Job> lockExpired();

    @NativeQuery("""
            select * from job
            where status = 'RUNNING' and worker = :worker
            order by id
            for update
            """)
    List<Job> lockRunningOf(String worker);

    /** Renews a lease that still holds and tells whether the job should stop; empty when the lease is lost. */
    @NativeQuery("""
            update job set lease_expires_at = now() + make_interval(secs => :leaseSeconds)
            where id = :id and attempt = :attempt and status = 'RUNNING'
            returning cancel_requested
            """)
    Optional<Boolean> renew(UUID id, int attempt, double leaseSeconds);

    /** Seconds until the earliest resting job becomes available. */
    @NativeQuery("""
            select extract(epoch from min(available_at) - now())::double precision
            from job where status = 'QUEUED'
            """)
    Optional<Double> secondsUntilAvailable();

    @Query("""
            select j from Job j
            where j.tenant = :tenant
              and (:anyStatus = true or j.status = :status)
              and (:type = '' or j.type = :type)
              and (j.createdAt < :before or (j.createdAt = :before and j.id < :beforeId))
            order by j.createdAt desc, j.id desc
            """)
    List<Job> page(
            UUID tenant, boolean anyStatus, JobStatus status, String type, Instant before, UUID beforeId, Limit limit);
}
