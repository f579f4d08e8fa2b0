package io.octavo.jobs.queue;

import jakarta.persistence.LockModeType;
import jakarta.persistence.QueryHint;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.hibernate.jpa.SpecHints;
import org.springframework.data.jpa.repository.Lock;
import org.springframework.data.jpa.repository.Modifying;
import org.springframework.data.jpa.repository.NativeQuery;
import org.springframework.data.jpa.repository.Query;
import org.springframework.data.jpa.repository.QueryHints;
import org.springframework.data.repository.Repository;

/**
 * Which job a worker gets. The statements name the columns they read, so that a migration under a running worker does
 * not invalidate their plans.
 */
interface ClaimRepository extends Repository<Job, UUID> {

    /** What Hibernate takes for {@code skip locked}. */
    String SKIP_LOCKED = "-2";

    /**
     * Where something is ready at all, makes claims wait for each other until the transaction ends, so that quotas hold and
     * turns are taken one after the other.
     *
     * @return the transaction's time; empty where nothing is ready, and then nothing is locked
     */
    @NativeQuery("""
            select case when exists (
                select 1 from job where status = 'QUEUED' and available_at <= now() and type in (:types))
            then (select now() from (select pg_advisory_xact_lock(hashtext('octavo.claim'))) locked) end
            """)
    Optional<Instant> lockClaims(Collection<String> types);

    /**
     * Ids of the jobs that this worker should run next, the best one first. Walks from lane to lane of each tenant by
     * index, and looks only at the head of each: its cost follows the number of lanes, not of jobs, but for those that the worker's
     * disk cannot hold, which it looks past. Tenants with the least
     * running for their weight come first, then those that waited longest for a turn; a tenant's own jobs go by their
     * order.
     */
    @NativeQuery("""
            with recursive head (tenant, lane) as (
                (select tenant, lane from job where status = 'QUEUED' order by tenant, lane limit 1)
                union all
                select next.tenant, next.lane
                from head cross join lateral (
                    select j.tenant, j.lane from job j
                    where j.status = 'QUEUED' and (j.tenant, j.lane) > (head.tenant, head.lane)
                    order by j.tenant, j.lane limit 1) next
            ), offer as (
                select device_kind, device_memory_bytes, compute_capability, labels,
                    coalesce(free_disk_bytes, 9223372036854775807) as disk
                from worker where id = :worker
                union all
                select 'cpu', 0, 0, '{}', 9223372036854775807
                limit 1
            ), running as (
                select tenant, count(*) as jobs from job
                where status = 'RUNNING' and type <> 'pipeline' group by tenant
            )
            select candidate.id
            from head
            join lane on lane.id = head.lane
            join offer on lane.device_kind in ('', offer.device_kind)
                and lane.device_memory_bytes <= offer.device_memory_bytes
                and lane.compute_capability <= offer.compute_capability
                and lane.labels <@ offer.labels
            left join running on running.tenant = head.tenant
            left join tenant_share share on share.tenant = head.tenant
            cross join lateral (
                select j.id, j.queue_order from job j
                where j.status = 'QUEUED' and j.tenant = head.tenant and j.lane = head.lane
                    and j.available_at <= now() and j.type in (:types)
                    and coalesce(j.disk_bytes, 0) <= offer.disk
                order by j.queue_order, j.id limit 3) candidate
            where coalesce(running.jobs, 0) < coalesce(share.max_running, :maxRunning)
            order by coalesce(running.jobs, 0) / cast(coalesce(share.weight, 1) as double precision),
                share.served_at nulls first, candidate.queue_order, candidate.id
            limit 8
            """)
    List<UUID> candidates(UUID worker, Collection<String> types, int maxRunning);

    /** Locks a job that still waits and that nobody else has locked. */
    @Lock(LockModeType.PESSIMISTIC_WRITE)
    @QueryHints(@QueryHint(name = SpecHints.HINT_SPEC_LOCK_TIMEOUT, value = SKIP_LOCKED))
    @Query("select j from Job j where j.id = :id and j.status = JobStatus.QUEUED")
    Optional<Job> lockQueued(UUID id);

    /** With the pipelines of those that are steps; those whose pipelines are locked elsewhere are left for the next time. */
    @NativeQuery("""
            with pipeline as materialized (
                select id from job
                where id in (select parent from job where status = 'RUNNING' and lease_expires_at < now())
                order by id
                for update skip locked
            )
            select j.id from job j
            where j.status = 'RUNNING' and j.lease_expires_at < now()
                and (j.parent is null or j.parent in (select id from pipeline))
            order by j.id
            limit 100
            for update skip locked
            """)
    List<UUID> lockExpired();

    @NativeQuery("""
            select id from job
            where id in (select parent from job where status = 'RUNNING' and worker = :worker)
            order by id
            for update
            """)
    List<UUID> lockPipelinesOf(String worker);

    @NativeQuery("""
            select id from job
            where status = 'RUNNING' and worker = :worker
            order by id
            for update
            """)
    List<UUID> lockRunningOf(String worker);

    /** Renews a lease that still holds and tells whether the job should stop; empty when the lease is lost. */
    @NativeQuery("""
            update job set lease_expires_at = now() + make_interval(secs => :leaseSeconds)
            where id = :id and attempt = :attempt and status = 'RUNNING'
            returning cancel_requested
            """)
    Optional<Boolean> renew(UUID id, int attempt, double leaseSeconds);

    /** So that this attempt does not count, nor those before it. */
    @Modifying
    @NativeQuery("""
            update job set attempt_limit = greatest(attempt_limit, :attempt + :maxAttempts)
            where id = :id and attempt = :attempt and status = 'RUNNING'
            """)
    int forgetAttempts(UUID id, int attempt, int maxAttempts);

    /** Seconds until the earliest resting job becomes available. */
    @NativeQuery("""
            select extract(epoch from min(available_at) - now())::double precision
            from job where status = 'QUEUED' and available_at > now()
            """)
    Optional<Double> secondsUntilAvailable();
}
