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

    Optional<ModelRepository> findByNamespaceAndName(String namespace, String name);

    @Lock(LockModeType.PESSIMISTIC_WRITE)
    @Query("select r from ModelRepository r where r.namespace = :namespace and r.name = :name")
    Optional<ModelRepository> lock(String namespace, String name);

    @Modifying
    @NativeQuery("""
            insert into repository (id, namespace, name) values (:id, :namespace, :name)
            on conflict (namespace, name) do nothing
            """)
    int insertIfAbsent(UUID id, String namespace, String name);

    @NativeQuery("select now()")
    Instant now();
}
