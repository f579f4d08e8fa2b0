package io.octavo.worker;

import io.octavo.hub.RepositoryName;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.queue.FoundPlans;
import io.octavo.jobs.queue.JobService;
import io.octavo.jobs.repository.RepositoryService;
import io.octavo.jobs.spec.JobSpecReader;
import io.octavo.wire.RepositoryFile;
import io.octavo.wire.RevisionView;
import io.octavo.worker.claim.ProcessEnd;
import io.octavo.worker.claim.WorkerLoop;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.json.JsonMapper;

/** A real worker on a real database and real storage; only the engine is a small one. */
abstract class RunningWorker {

    static final TenantId TENANT = TenantId.BUILT_IN;

    /** Named by tests alone: annotated as a configuration it would be found by every scan of this package. */
    @EnableAutoConfiguration
    @Import(WorkerConfiguration.class)
    static class Application {
        @Bean
        @Primary
        FakeEngine engine() {
            return new FakeEngine();
        }

        @Bean
        @Primary
        RecordedEnd recordedEnd() {
            return new RecordedEnd();
        }
    }

    /** Remembers exit codes instead of ending the process of the tests. */
    static final class RecordedEnd implements ProcessEnd {

        final BlockingQueue<Integer> exitCodes = new LinkedBlockingQueue<>();

        @Override
        public void end(int exitCode) {
            exitCodes.add(exitCode);
        }
    }

    @Autowired
    FakeEngine engine;

    @Autowired
    WorkerLoop worker;

    @Autowired
    RecordedEnd recordedEnd;

    @Autowired
    JobService jobs;

    @Autowired
    JobSpecReader reader;

    @Autowired
    RepositoryService repositories;

    @Autowired
    BlobStore blobs;

    @Autowired
    JdbcClient sql;

    @Autowired
    JsonMapper json;

    final RevisionView push(String repository, RepositoryFile... files) {
        return repositories
                .commit(TENANT, RepositoryName.parse(repository), "push", List.of(files))
                .revision();
    }

    final RepositoryFile file(String path, byte[] content) {
        BlobId id = blobs.put(TENANT, new ByteArrayInputStream(content), content.length, null);
        return new RepositoryFile(path, id.size(), id.sha256());
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** @param spec JSON with ' in place of " */
    final UUID submit(String spec) {
        return jobs.submit(TENANT, reader.read(json.readTree(spec.replace('\'', '"'))), FoundPlans.NONE)
                .id();
    }
}
