package io.octavo.jobs.blob;

import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.springframework.data.jpa.repository.Modifying;
import org.springframework.data.jpa.repository.NativeQuery;
import org.springframework.data.repository.Repository;
import org.springframework.transaction.annotation.Transactional;

interface BlobRepository extends Repository<Blob, String> {

    Optional<Blob> findBySha256(String sha256);

    /** Those that the tenant uploaded, or that one of its revisions names. */
    @NativeQuery("""
            select * from blob b where b.sha256 in (:sha256s) and (
                exists (select 1 from blob_owner o where o.tenant = :tenant and o.sha256 = b.sha256)
                or exists (
                    select 1 from revision_file f
                    join revision v on v.sequence = f.revision_sequence
                    join repository r on r.id = v.repository_id
                    where f.sha256 = b.sha256 and r.tenant = :tenant))
            """)
    List<Blob> findOwned(UUID tenant, Collection<String> sha256s);

    /** The blob is there, and the tenant has its bytes; one change, whether either was known or not. */
    @Transactional
    @Modifying
    @NativeQuery("""
            with stored as (insert into blob (sha256, size) values (:sha256, :size) on conflict (sha256) do nothing)
            insert into blob_owner (tenant, sha256) values (:tenant, :sha256)
            on conflict (tenant, sha256) do nothing
            """)
    int store(UUID tenant, String sha256, long size);
}
