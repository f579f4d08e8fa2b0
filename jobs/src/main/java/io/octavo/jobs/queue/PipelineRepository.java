package io.octavo.jobs.queue;

import jakarta.persistence.LockModeType;
import jakarta.persistence.QueryHint;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.hibernate.jpa.SpecHints;
import org.springframework.data.jpa.repository.Lock;
import org.springframework.data.jpa.repository.NativeQuery;
import org.springframework.data.jpa.repository.Query;
import org.springframework.data.jpa.repository.QueryHints;
import org.springframework.data.repository.Repository;

/**
 * Pipelines and their steps. Who changes a step's place in its pipeline locks the pipeline first and the step then; who
 * has a step already locks its pipeline only if nobody else has.
 */
interface PipelineRepository extends Repository<Job, UUID> {

    /** The pipeline that a job is a step of. It never changes, so it may be read before anything is locked. */
    @NativeQuery("select parent from job where id = :id and parent is not null")
    Optional<UUID> pipelineOf(UUID id);

    @NativeQuery("select parent from job where tenant = :tenant and id = :id and parent is not null")
    Optional<UUID> pipelineOf(UUID tenant, UUID id);

    /** Locks a pipeline that nobody else has locked. */
    @Lock(LockModeType.PESSIMISTIC_WRITE)
    @QueryHints(@QueryHint(name = SpecHints.HINT_SPEC_LOCK_TIMEOUT, value = ClaimRepository.SKIP_LOCKED))
    @Query("select j from Job j where j.id = :id")
    Optional<Job> tryLock(UUID id);

    /** Whether no step of the pipeline has started. */
    @NativeQuery("select status = 'QUEUED' from job where id = :id")
    boolean isQueued(UUID id);

    /** Locked, for who has the pipeline locked. */
    @Lock(LockModeType.PESSIMISTIC_WRITE)
    @Query("select j from Job j where j.parent = :pipeline order by j.id")
    List<Job> lockSteps(UUID pipeline);

    @Query("select j from Job j where j.parent in :pipelines order by j.id")
    List<Job> steps(Collection<UUID> pipelines);

    /** Needs of waiting steps that are still to be met. */
    @NativeQuery("""
            select waiting.id as jobId, needed.step as step, needed.status as status
            from job waiting
            join job needed on needed.parent = waiting.parent and jsonb_exists(waiting.needs, needed.step)
            where waiting.id in (:jobIds) and needed.status <> 'SUCCEEDED'
            order by needed.id
            """)
    List<OpenNeed> openNeeds(Collection<UUID> jobIds);

    /** Locks pipelines that are behind their steps, since somebody who did not know of pipelines ended one. */
    @NativeQuery("""
            select p.id from job p
            where p.type = 'pipeline' and p.status in ('QUEUED', 'RUNNING')
                and (not exists (select 1 from job s where s.parent = p.id and s.status in ('QUEUED', 'RUNNING'))
                    or exists (
                        select 1 from job s
                        where s.parent = p.id and s.status = 'QUEUED' and s.lane = -1
                            and not exists (
                                select 1 from job n
                                where n.parent = p.id and jsonb_exists(s.needs, n.step)
                                    and n.status in ('QUEUED', 'RUNNING'))))
            order by p.id
            limit 100
            for update skip locked
            """)
    List<UUID> lockBehind();

    /** What a step waits for. */
    record OpenNeed(UUID jobId, String step, String status) {}
}
