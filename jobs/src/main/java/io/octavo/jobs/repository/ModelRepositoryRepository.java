package io.octavo.jobs.repository;

import jakarta.persistence.LockModeType;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import org.springframework.data.jpa.repository.Lock;
import org.springframework.data.jpa.repository.Modifying;
import org.springframework.data.jpa.repository.NativeQuery;
import org.springframework.data.jpa.repository.Query;
import org.springframework.data.repository.Repository;

interface ModelRepositoryRepository extends Repository<ModelRepository, UUID> {

    Optional<ModelRepository> findByTenantAndNamespaceAndName(UUID tenant, String namespace, String name);

    @Lock(LockModeType.PESSIMISTIC_WRITE)
    @Query("""
            select r from ModelRepository r
            where r.tenant = :tenant and r.namespace = :namespace and r.name = :name
            """)
    Optional<ModelRepository> lock(UUID tenant, String namespace, String name);

    /** One that was deleted comes back empty. */
    @Modifying
    @NativeQuery("""
            insert into repository (id, tenant, namespace, name) values (:id, :tenant, :namespace, :name)
            on conflict (namespace, name) do update set deleted_at = null
            where repository.deleted_at is not null and repository.tenant = excluded.tenant
            """)
    int insertIfAbsent(UUID id, UUID tenant, String namespace, String name);

    @NativeQuery("select now()")
    Instant now();
}
