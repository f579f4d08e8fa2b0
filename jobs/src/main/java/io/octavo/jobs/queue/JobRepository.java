package io.octavo.jobs.queue;

import jakarta.persistence.LockModeType;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.springframework.data.jpa.repository.Lock;
import org.springframework.data.jpa.repository.NativeQuery;
import org.springframework.data.jpa.repository.Query;
import org.springframework.data.repository.Repository;

interface JobRepository extends Repository<Job, UUID> {

    Job saveAndFlush(Job job);

    /** Writes what changed of all that this transaction read. */
    void flush();

    Optional<Job> findById(UUID id);

    /** Unless it was deleted. */
    Optional<Job> findByTenantAndIdAndDeletedAtIsNull(UUID tenant, UUID id);

    @Lock(LockModeType.PESSIMISTIC_WRITE)
    @Query("select j from Job j where j.id = :id")
    Optional<Job> lock(UUID id);

    @Lock(LockModeType.PESSIMISTIC_WRITE)
    @Query("select j from Job j where j.tenant = :tenant and j.id = :id and j.deletedAt is null")
    Optional<Job> lock(UUID tenant, UUID id);

    List<Job> findAllByIdInOrderById(Collection<UUID> ids);

    @NativeQuery("select now()")
    Instant now();
}
