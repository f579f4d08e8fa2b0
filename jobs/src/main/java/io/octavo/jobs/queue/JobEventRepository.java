package io.octavo.jobs.queue;

import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.data.jpa.repository.NativeQuery;
import org.springframework.data.repository.Repository;

/** The append-only log of jobs. */
interface JobEventRepository extends Repository<Job, UUID> {

    /** Told to listeners, once it is committed. */
    String TELL =
            "select cast(pg_notify('" + JobSignals.EVENT_CHANNEL + "', cast(job_id as text)) as text) from appended";

    /** The caller holds the job's row lock. */
    @NativeQuery("""
            with appended as (
                insert into job_event (job_id, attempt, type, data)
                values (:jobId, :attempt, :type, cast(:data as jsonb)) returning job_id)
            """ + TELL)
    String append(UUID jobId, int attempt, String type, String data);

    /** The same of a job that was handed out: its tenant has had its turn. One statement, for the sake of the pick-up. */
    @NativeQuery("""
            with appended as (
                insert into job_event (job_id, attempt, type, data)
                values (:jobId, :attempt, :type, cast(:data as jsonb)) returning job_id
            ), served as (
                insert into tenant_share (tenant, served_at) values (:tenant, clock_timestamp())
                on conflict (tenant) do update set served_at = excluded.served_at)
            """ + TELL)
    String appendServing(UUID tenant, UUID jobId, int attempt, String type, String data);

    /** Appends if the lease holds: takes the row lock first, so that the id is drawn under it. Empty when it is lost. */
    @NativeQuery("""
            with holder as materialized (
                select id from job where id = :jobId and attempt = :attempt and status = 'RUNNING' for update
            ), appended as (
                insert into job_event (job_id, attempt, type, data)
                select id, :attempt, :type, cast(:data as jsonb) from holder returning job_id)
            """ + TELL)
    Optional<String> appendHolding(UUID jobId, int attempt, String type, String data);

    @NativeQuery("""
            select id, at, type, cast(data as text) as data from job_event
            where job_id = :jobId and id > :after order by id limit :count
            """)
    List<Event> page(UUID jobId, long after, int count);

    @NativeQuery("""
            select j.id as jobId,
                (select e.data ->> 'phase' from job_event e
                 where e.job_id = j.id and e.type = 'phase' and e.attempt = j.attempt
                 order by e.id desc limit 1) as phase,
                (select cast(e.data ->> 'progress' as double precision) from job_event e
                 where e.job_id = j.id and e.type = 'progress' and e.attempt = j.attempt
                 order by e.id desc limit 1) as progress
            from job j where j.id in (:jobIds)
            """)
    List<Position> positions(Collection<UUID> jobIds);

    @NativeQuery("select cast(pg_notify(:channel, :payload) as text)")
    @Nullable String notify(String channel, String payload);

    record Event(long id, Instant at, String type, String data) {}

    /** How far the current attempt of a job is. */
    record Position(
            UUID jobId, @Nullable String phase, @Nullable Double progress) {}
}
