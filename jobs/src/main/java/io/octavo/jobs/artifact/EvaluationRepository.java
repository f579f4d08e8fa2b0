package io.octavo.jobs.artifact;

import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import org.springframework.data.jpa.repository.Modifying;
import org.springframework.data.jpa.repository.NativeQuery;
import org.springframework.data.repository.Repository;

/** Outcomes of evaluate jobs; they never change. */
interface EvaluationRepository extends Repository<Artifact, UUID> {

    @Modifying
    @NativeQuery("""
            insert into evaluation (id, tenant, job_id, source, result)
            values (gen_random_uuid(), :tenant, :jobId, :source, cast(:result as jsonb))
            """)
    int insert(UUID tenant, UUID jobId, String source, String result);

    @Modifying
    @NativeQuery("delete from evaluation where job_id = :jobId")
    int deleteByJobId(UUID jobId);

    @NativeQuery("""
            select id, job_id, created_at, source, cast(result as text) as result from evaluation
            where tenant = :tenant and source in (:sources) order by created_at
            """)
    List<Evaluation> of(UUID tenant, Collection<String> sources);

    record Evaluation(UUID id, UUID jobId, Instant createdAt, String source, String result) {}
}
