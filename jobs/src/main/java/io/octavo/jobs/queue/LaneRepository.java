package io.octavo.jobs.queue;

import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import org.springframework.data.jpa.repository.Modifying;
import org.springframework.data.jpa.repository.NativeQuery;
import org.springframework.data.repository.Repository;

/** Lanes: jobs that ask the same of a worker. */
interface LaneRepository extends Repository<Job, UUID> {

    @Modifying
    @NativeQuery("""
            insert into lane (device_kind, device_memory_bytes, compute_capability, labels)
            values (:deviceKind, :deviceMemoryBytes, :computeCapability, cast(:labels as jsonb))
            on conflict do nothing
            """)
    int insertIfAbsent(String deviceKind, long deviceMemoryBytes, int computeCapability, String labels);

    @NativeQuery("""
            select id from lane
            where device_kind = :deviceKind and device_memory_bytes = :deviceMemoryBytes
                and compute_capability = :computeCapability and labels = cast(:labels as jsonb)
            """)
    int find(String deviceKind, long deviceMemoryBytes, int computeCapability, String labels);

    /** How things stand for jobs that wait. Those ahead are counted to a limit. */
    @NativeQuery("""
            with alive as (
                select device_kind, device_memory_bytes, compute_capability, labels,
                    coalesce(free_disk_bytes, 9223372036854775807) as disk
                from worker where last_seen_at > now() - make_interval(secs => :aliveSeconds)
            )
            select j.id as jobId,
                j.available_at > now() as resting,
                j.available_at as availableAt,
                (select count(*) from alive) as workers,
                (select count(*) from alive
                 where lane.device_kind in ('', alive.device_kind)
                    and lane.device_memory_bytes <= alive.device_memory_bytes
                    and lane.compute_capability <= alive.compute_capability
                    and lane.labels <@ alive.labels) as suitable,
                (select coalesce(max(alive.disk), 0) from alive
                 where lane.device_kind in ('', alive.device_kind)
                    and lane.device_memory_bytes <= alive.device_memory_bytes
                    and lane.compute_capability <= alive.compute_capability
                    and lane.labels <@ alive.labels) as freeDiskBytes,
                coalesce(j.disk_bytes, 0) as diskBytes,
                (select count(*) from job r
                 where r.status = 'RUNNING' and r.type <> 'pipeline' and r.tenant = j.tenant) as running,
                coalesce(share.max_running, :maxRunning) as maxRunning,
                (select count(*) from (
                    select 1 from job a
                    where a.status = 'QUEUED' and a.tenant = j.tenant and a.lane = j.lane and a.available_at <= now()
                        and (a.queue_order, a.id) < (j.queue_order, j.id)
                    limit :most) ahead) as ahead,
                lane.device_kind as deviceKind,
                lane.device_memory_bytes as deviceMemoryBytes,
                lane.compute_capability as computeCapability,
                cast(lane.labels as text) as labels
            from job j
            join lane on lane.id = j.lane
            left join tenant_share share on share.tenant = j.tenant
            where j.id in (:jobIds)
            """)
    List<Outlook> outlooks(Collection<UUID> jobIds, double aliveSeconds, int maxRunning, int most);

    /** How many jobs there are by why they wait, by lanes of tenants: their jobs wait for the same. */
    @NativeQuery("""
            with alive as (
                select device_kind, device_memory_bytes, compute_capability, labels,
                    coalesce(free_disk_bytes, 9223372036854775807) as disk
                from worker where last_seen_at > now() - make_interval(secs => :aliveSeconds)
            ), running as (
                select tenant, count(*) as jobs from job
                where status = 'RUNNING' and type <> 'pipeline' group by tenant
            ), queued as (
                select tenant, lane, available_at > now() as resting,
                    disk_bytes > (select max(disk) from alive) as large,
                    count(*) as jobs, extract(epoch from now() - min(available_at)) as oldest
                from job where status = 'QUEUED' and type <> 'pipeline' group by 1, 2, 3, 4
            )
            select case
                    when queued.lane = -1 then 'needs'
                    when queued.resting then 'resting'
                    when not exists (
                        select 1 from alive
                        where lane.device_kind in ('', alive.device_kind)
                            and lane.device_memory_bytes <= alive.device_memory_bytes
                            and lane.compute_capability <= alive.compute_capability
                            and lane.labels <@ alive.labels) then 'no-suitable-worker'
                    when queued.large then 'no-disk'
                    when running.jobs >= coalesce(share.max_running, :maxRunning) then 'quota'
                    else 'ready' end as reason,
                queued.jobs as jobs,
                cast(queued.oldest as double precision) as oldestSeconds
            from queued
            join lane on lane.id = queued.lane
            left join running on running.tenant = queued.tenant
            left join tenant_share share on share.tenant = queued.tenant
            union all
            select 'running', count(*), 0 from job where status = 'RUNNING' and type <> 'pipeline'
            union all
            select 'dead-letter', count(*), 0 from job where dead_letter and type <> 'pipeline'
            """)
    List<Depth> depths(double aliveSeconds, int maxRunning);

    /** A part of the queue. */
    record Depth(String reason, long jobs, double oldestSeconds) {}

    /** What a job that waits has before it. */
    record Outlook(
            UUID jobId,
            boolean resting,
            Instant availableAt,
            long workers,
            long suitable,
            long freeDiskBytes,
            long diskBytes,
            long running,
            int maxRunning,
            long ahead,
            String deviceKind,
            long deviceMemoryBytes,
            int computeCapability,
            String labels) {}
}
