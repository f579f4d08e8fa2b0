package io.octavo.jobs.artifact;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.springframework.data.domain.Limit;
import org.springframework.data.jpa.repository.NativeQuery;
import org.springframework.data.jpa.repository.Query;
import org.springframework.data.repository.Repository;

interface ArtifactRepository extends Repository<Artifact, UUID> {

    Artifact saveAndFlush(Artifact artifact);

    Optional<Artifact> findByTenantAndId(UUID tenant, UUID id);

    @Query("""
            select a from Artifact a
            where a.tenant = :tenant and a.contentKey = :contentKey
            order by a.createdAt desc, a.id desc
            """)
    List<Artifact> withContent(UUID tenant, String contentKey, Limit limit);

    @Query("""
            select a from Artifact a
            where a.tenant = :tenant
              and (a.createdAt < :before or (a.createdAt = :before and a.id < :beforeId))
              and locate(:search, lower(concat(a.namespace, '/', a.name, ' ', a.label, ' ', a.lineage.scheme))) > 0
            order by a.createdAt desc, a.id desc
            """)
    List<Artifact> page(UUID tenant, Instant before, UUID beforeId, String search, Limit limit);

    /** The newest of what was made of a source, of any revision where the URI names none. */
    @Query("""
            select a from Artifact a
            where a.tenant = :tenant
              and (a.lineage.source = :source or locate(concat(:source, '@'), a.lineage.source) = 1)
            order by a.createdAt desc, a.id desc
            """)
    List<Artifact> madeOf(UUID tenant, String source, Limit limit);

    @NativeQuery("select now()")
    Instant now();
}
