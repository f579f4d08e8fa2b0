package io.octavo.jobs.artifact;

import java.util.Collection;
import java.util.List;
import java.util.UUID;
import org.springframework.data.repository.Repository;

interface EvaluationRepository extends Repository<Evaluation, UUID> {

    Evaluation saveAndFlush(Evaluation evaluation);

    List<Evaluation> findByTenantAndSourceInOrderByCreatedAt(UUID tenant, Collection<String> sources);
}
