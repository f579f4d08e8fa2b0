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
                select device_kind, device_memory_bytes, compute_capability, labels from worker
                where last_seen_at > now() - make_interval(secs => :aliveSeconds)
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
                (select count(*) from job r where r.status = 'RUNNING' and r.tenant = j.tenant) as running,
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

    /** What a job that waits has before it. */
    interface Outlook {

        UUID getJobId();

        boolean getResting();

        Instant getAvailableAt();

        long getWorkers();

        long getSuitable();

        long getRunning();

        int getMaxRunning();

        long getAhead();

        String getDeviceKind();

        long getDeviceMemoryBytes();

        int getComputeCapability();

        String getLabels();
    }
}
