package io.octavo.jobs.deletion;

import io.octavo.jobs.JobsTest;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.repository.RepositoryService;
import io.octavo.jobs.testing.EmbeddedServices;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.test.context.TestPropertySource;
import org.springframework.transaction.support.TransactionTemplate;

/** What becomes of contents that are committed and deleted while others collect, which only the test begins. */
@TestPropertySource(properties = "octavo.collector.enabled=false")
abstract class AbstractDeletionTest extends JobsTest {

    @DynamicPropertySource
    static void services(DynamicPropertyRegistry registry) {
        EmbeddedServices.register(registry);
    }

    @Autowired
    BlobStore blobs;

    @Autowired
    RepositoryService repositories;

    @Autowired
    Deletions deletions;

    @Autowired
    Collector collector;

    @Autowired
    TransactionTemplate transactions;

    final void startEmpty() {
        sql.sql("truncate ref, repository, revision, revision_file, artifact, artifact_file, blob, blob_owner")
                .update();
    }
}
