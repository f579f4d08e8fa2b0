package io.octavo.jobs.repository;

import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.springframework.data.domain.Limit;
import org.springframework.data.jpa.repository.Modifying;
import org.springframework.data.jpa.repository.NativeQuery;
import org.springframework.data.jpa.repository.Query;
import org.springframework.data.repository.Repository;

interface RevisionRepository extends Repository<Revision, Long> {

    Revision saveAndFlush(Revision revision);

    Optional<Revision> findByRepositoryIdAndId(UUID repositoryId, String id);

    @Query("""
            select r from Revision r
            where r.repositoryId = :repositoryId and r.branch = 'main' and r.sequence < :before
                and locate(:search, lower(r.message)) > 0
            order by r.sequence desc
            """)
    List<Revision> page(UUID repositoryId, long before, String search, Limit limit);

    /** A deleted revision that is committed again is the same one. */
    @Modifying
    @NativeQuery("""
            update revision set deleted_at = null, deleted_with_repository = false
            where repository_id = :repositoryId and id = :id
            """)
    int restore(UUID repositoryId, String id);

    @NativeQuery(
            "select sequence from revision where repository_id = :repositoryId and id = :id and deleted_at is null")
    Optional<Long> sequenceOf(UUID repositoryId, String id);
}
