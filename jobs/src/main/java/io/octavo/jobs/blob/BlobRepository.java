package io.octavo.jobs.blob;

import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.springframework.data.jpa.repository.Modifying;
import org.springframework.data.jpa.repository.NativeQuery;
import org.springframework.data.repository.Repository;
import org.springframework.transaction.annotation.Transactional;

interface BlobRepository extends Repository<Blob, String> {

    Optional<Blob> findBySha256(String sha256);

    List<Blob> findBySha256In(Collection<String> sha256s);

    @Transactional
    @Modifying
    @NativeQuery("insert into blob (sha256, size) values (:sha256, :size) on conflict (sha256) do nothing")
    int insert(String sha256, long size);
}
