package io.octavo.jobs.artifact;

import java.util.Collection;
import java.util.List;
import java.util.UUID;
import org.springframework.data.jpa.repository.Modifying;
import org.springframework.data.jpa.repository.NativeQuery;
import org.springframework.data.repository.Repository;

interface EvaluationRepository extends Repository<Evaluation, UUID> {

    Evaluation saveAndFlush(Evaluation evaluation);

    @Modifying
    @NativeQuery("delete from evaluation where job_id = :jobId")
    int deleteByJobId(UUID jobId);

    List<Evaluation> findByTenantAndSourceInOrderByCreatedAt(UUID tenant, Collection<String> sources);
}
