package io.octavo.jobs.worker;

import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.data.domain.Limit;
import org.springframework.data.jpa.repository.Modifying;
import org.springframework.data.jpa.repository.NativeQuery;
import org.springframework.data.jpa.repository.Query;
import org.springframework.data.repository.Repository;

interface RegisteredWorkerRepository extends Repository<RegisteredWorker, UUID> {

    @Modifying
    @NativeQuery("""
            insert into worker (id, name, host, device, engine_version, schemes, layouts,
                device_kind, device_memory_bytes, compute_capability, labels, disk_bytes, free_disk_bytes, folders)
            values (:id, :name, :host, :device, :engineVersion, cast(:schemes as jsonb), cast(:layouts as jsonb),
                :deviceKind, :deviceMemoryBytes, :computeCapability, cast(:labels as jsonb), :diskBytes, :freeDiskBytes,
                cast(:folders as jsonb))
            """)
    int insert(
            UUID id,
            String name,
            String host,
            String device,
            String engineVersion,
            String schemes,
            String layouts,
            String deviceKind,
            long deviceMemoryBytes,
            int computeCapability,
            String labels,
            long diskBytes,
            long freeDiskBytes,
            String folders);

    @Modifying
    @NativeQuery("update worker set last_seen_at = now(), free_disk_bytes = :freeDiskBytes where id = :id")
    int touch(UUID id, long freeDiskBytes);

    @Modifying
    @NativeQuery("delete from worker where id = :id")
    int delete(UUID id);

    /** What was not seen for a week is forgotten, as is an earlier life of a worker whose name is exclusive. */
    @Modifying
    @NativeQuery("""
            delete from worker
            where last_seen_at < now() - interval '7 days' or (:exclusive and name = :name and id <> :id)
            """)
    int forgetOthers(UUID id, String name, boolean exclusive);

    @NativeQuery("""
            select w.id as id, w.name as name, w.host as host, w.device as device,
                w.device_kind as deviceKind, w.device_memory_bytes as deviceMemoryBytes,
                w.compute_capability as computeCapability, cast(w.labels as text) as labels,
                w.disk_bytes as diskBytes, w.free_disk_bytes as freeDiskBytes, w.engine_version as engineVersion, w.started_at as startedAt, w.last_seen_at as lastSeenAt,
                w.last_seen_at > now() - make_interval(secs => :aliveSeconds) as alive,
                (select j.id from job j
                 where j.status = 'RUNNING' and j.lease_owner = w.id and j.tenant = :tenant limit 1) as jobId
            from worker w order by w.started_at desc, w.id limit 1000
            """)
    List<Row> rows(UUID tenant, double aliveSeconds);

    /** Those that are alive and have what is asked for; the largest number where one does not tell. */
    @NativeQuery("""
            select count(*) as workers,
                coalesce(max(coalesce(disk_bytes, 9223372036854775807)), 0) as diskBytes,
                coalesce(max(coalesce(free_disk_bytes, 9223372036854775807)), 0) as freeDiskBytes
            from worker
            where last_seen_at > now() - make_interval(secs => :aliveSeconds)
                and :deviceKind in ('', device_kind)
                and :deviceMemoryBytes <= device_memory_bytes
                and :computeCapability <= compute_capability
                and cast(:labels as jsonb) <@ labels
            """)
    Disks disks(String deviceKind, long deviceMemoryBytes, int computeCapability, String labels, double aliveSeconds);

    /** Of each worker that is alive, as JSON. */
    @NativeQuery("""
            select coalesce(cast(folders as text), '["/"]') from worker
            where last_seen_at > now() - make_interval(secs => :aliveSeconds)
            """)
    List<String> folders(double aliveSeconds);

    /** The newest lives first, so that their word counts. */
    @Query("select w from RegisteredWorker w order by w.lastSeenAt desc")
    List<RegisteredWorker> latest(Limit limit);

    /** The most that some of them have. */
    record Disks(long workers, long diskBytes, long freeDiskBytes) {}

    /** A row of the listing. */
    record Row(
            UUID id,
            String name,
            String host,
            String device,
            String deviceKind,
            long deviceMemoryBytes,
            int computeCapability,
            String labels,
            @Nullable Long diskBytes,
            @Nullable Long freeDiskBytes,
            String engineVersion,
            Instant startedAt,
            Instant lastSeenAt,
            boolean alive,
            @Nullable UUID jobId) {}
}
