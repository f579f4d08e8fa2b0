package io.octavo.jobs.deletion;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.hub.RepositoryName;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.wire.RepositoryFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.test.context.TestPropertySource;

/**
 * Uploads, commits and deletions of a few contents by several threads, while others collect without a pause and almost
 * without grace: what a commit has acknowledged can be read until it is deleted.
 */
@Timeout(120)
@TestPropertySource(
        properties = {"octavo.collector.grace=1ms", "octavo.storage.bucket=raced", "octavo.database.pool-size=20"})
class CollectorRaceTest extends AbstractDeletionTest {

    private static final TenantId TENANT = TenantId.BUILT_IN;
    private static final int WRITERS = 4;
    private static final int ROUNDS = Integer.getInteger("octavo.collector.rounds", 25);
    private static final int CONTENTS = 3;
    private static final long SEED = Long.getLong("octavo.collector.seed", 11);

    private final AtomicInteger repeated = new AtomicInteger();

    @Test
    void whatWasAcknowledgedStaysReadable() throws Exception {
        var writing = new AtomicInteger(WRITERS);
        try (ExecutorService threads = Executors.newFixedThreadPool(WRITERS + 2)) {
            List<Future<?>> running = new ArrayList<>();
            for (int writer = 0; writer < WRITERS; writer++) {
                RepositoryName name = RepositoryName.parse("a/writer-" + writer);
                RandomGenerator random =
                        RandomGeneratorFactory.of("L64X128MixRandom").create(SEED + writer);
                running.add(threads.submit(() -> {
                    try {
                        for (int round = 0; round < ROUNDS; round++) {
                            write(name, random, round);
                        }
                    } finally {
                        writing.decrementAndGet();
                    }
                    return null;
                }));
            }
            for (int collecting = 0; collecting < 2; collecting++) {
                running.add(threads.submit(() -> {
                    while (writing.get() > 0) {
                        collector.collect();
                    }
                }));
            }
            for (Future<?> thread : running) {
                thread.get();
            }
        }
        System.out.println(
                WRITERS * ROUNDS + " commits beside collections, " + repeated + " uploads repeated, seed " + SEED);
        assertThat(repeated).as("collections came in between").hasPositiveValue();
    }

    private void write(RepositoryName name, RandomGenerator random, int round) throws Exception {
        byte[] bytes = ("content " + random.nextInt(CONTENTS)).getBytes(StandardCharsets.UTF_8);
        BlobId id = new BlobId(
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)), bytes.length);
        while (!tryCommit(name, id, bytes, random.nextBoolean(), round)) {
            repeated.incrementAndGet();
        }
        for (int look = 0; look < 3; look++) {
            assertReadable(id, bytes);
        }
        deletions.repository(TENANT, name);
    }

    /** As a client does: upload, commit, and begin again where the service says that bytes are missing. */
    private boolean tryCommit(RepositoryName name, BlobId id, byte[] bytes, boolean staged, int round) {
        try {
            if (staged) {
                blobs.put(TENANT, new ByteArrayInputStream(bytes), bytes.length, id.sha256());
            } else {
                blobs.put(TENANT, id, new ByteArrayInputStream(bytes));
            }
            repositories.commit(
                    TENANT, name, "round " + round, List.of(new RepositoryFile("f", id.size(), id.sha256())));
            return true;
        } catch (ProblemException e) {
            assertThat(e.code()).isIn(ProblemCode.BLOBS_MISSING, ProblemCode.STORAGE_UNAVAILABLE);
            return false;
        }
    }

    private void assertReadable(BlobId id, byte[] bytes) throws IOException {
        try (InputStream content = blobs.open(id)) {
            assertThat(content.readAllBytes()).isEqualTo(bytes);
        }
    }
}
