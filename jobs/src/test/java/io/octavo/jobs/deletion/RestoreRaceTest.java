package io.octavo.jobs.deletion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.octavo.hub.RepositoryName;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.wire.RepositoryFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.TestPropertySource;

/** Restoring while the time of grace runs out and a collection runs: all comes back with its bytes, or an error says so. */
@Timeout(120)
@TestPropertySource(
        properties = {"octavo.collector.grace=1h", "octavo.storage.bucket=restored", "octavo.database.pool-size=20"})
class RestoreRaceTest extends AbstractDeletionTest {

    private static final TenantId TENANT = TenantId.BUILT_IN;
    private static final int ROUNDS = Integer.getInteger("octavo.collector.rounds", 30);
    private static final long SEED = Long.getLong("octavo.collector.seed", 3);

    @Autowired
    Restorations restorations;

    private RepositoryName name = RepositoryName.parse("a/b");
    private UUID artifact = UUID.randomUUID();
    private String first = "";
    private String second = "";

    /** What may be deleted and restored; each takes the second revision and its artifact with it. */
    enum Thing {
        REPOSITORY,
        REVISION,
        ARTIFACT
    }

    @BeforeEach
    void start() {
        startEmpty();
        make("a/b");
    }

    /** Two revisions, and an artifact of the second. */
    private void make(String repository) {
        name = RepositoryName.parse(repository);
        first = commit("first");
        second = commit("second");
        makeArtifact();
    }

    private String commit(String text) {
        byte[] bytes = (text + UUID.randomUUID()).getBytes(StandardCharsets.UTF_8);
        BlobId id = blobs.put(TENANT, new ByteArrayInputStream(bytes), bytes.length, null);
        return repositories
                .commit(TENANT, name, text, List.of(new RepositoryFile("f", id.size(), id.sha256())))
                .revision()
                .id();
    }

    /** As a worker makes one of the second revision. */
    private void makeArtifact() {
        artifact = UUID.randomUUID();
        UUID job = UUID.randomUUID();
        sql.sql("""
                        insert into job (id, type, status, spec, attempt_limit, finished_at)
                        values (:id, 'quantize', 'SUCCEEDED', '{}', 1, now())
                        """).param("id", job).update();
        sql.sql("""
                        insert into artifact (id, job_id, namespace, name, revision, label, weight_bits, size_bytes, source,
                            source_revision, scheme, layout, engine_version, report_sha256)
                        select :id, :job, :namespace, :name, v.id, 'l', 8, 1, 'hub:a/c', 'r', 's', 'l', '1', f.sha256
                        from revision v join revision_file f on f.revision_sequence = v.sequence where v.id = :revision
                        """)
                .param("id", artifact)
                .param("job", job)
                .param("namespace", name.namespace())
                .param("name", name.name())
                .param("revision", second)
                .update();
        sql.sql("""
                        insert into artifact_file (artifact_id, path, size, sha256)
                        select :id, f.path, f.size, f.sha256
                        from revision v join revision_file f on f.revision_sequence = v.sequence where v.id = :revision
                        """).param("id", artifact).param("revision", second).update();
    }

    private void delete(Thing thing) {
        switch (thing) {
            case REPOSITORY -> deletions.repository(TENANT, name);
            case REVISION -> deletions.revision(TENANT, name, second);
            case ARTIFACT -> deletions.artifact(TENANT, artifact);
        }
        sql.sql("update blob set touched_at = touched_at - interval '2 hours'").update();
        sql.sql("update blob_owner set created_at = created_at - interval '2 hours'")
                .update();
    }

    private void restore(Thing thing) {
        switch (thing) {
            case REPOSITORY -> restorations.repository(TENANT, name);
            case REVISION -> restorations.revision(TENANT, name, second);
            case ARTIFACT -> restorations.artifact(TENANT, artifact);
        }
    }

    /** What was deleted has so much of its grace left. */
    private void leave(Duration left) {
        leave(left, "repository", "revision", "artifact");
    }

    private void leave(Duration left, String... tables) {
        OffsetDateTime moment = databaseTime().plus(left).minusHours(1);
        for (String table : tables) {
            sql.sql("update " + table + " set deleted_at = :moment where deleted_at is not null")
                    .param("moment", moment)
                    .update();
        }
    }

    private OffsetDateTime databaseTime() {
        return sql.sql("select clock_timestamp()").query(OffsetDateTime.class).single();
    }

    private static CompletableFuture<Void> beside(Runnable work) {
        return CompletableFuture.runAsync(work, Thread::startVirtualThread);
    }

    private void lockRepository() {
        sql.sql("select id from repository for update").query(UUID.class).single();
    }

    @ParameterizedTest
    @EnumSource(Thing.class)
    void aRestoreThatHadToWaitPastTheGraceIsRefused(Thing thing) {
        delete(thing);
        leave(Duration.ofSeconds(1));
        var end = databaseTime().plusSeconds(1);
        CompletableFuture<Void> restoring = transactions.execute(transaction -> {
            lockRepository();
            var waiting = beside(() -> restore(thing));
            Awaitility.await()
                    .until(() -> sql.sql("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")
                                    .query(Integer.class)
                                    .single()
                            == 1);
            assertThat(databaseTime()).as("it began in time").isBefore(end);
            Awaitility.await().until(() -> databaseTime().isAfter(end));
            beside(collector::collect).join();
            return waiting;
        });
        assertThatExceptionOfType(CompletionException.class)
                .isThrownBy(restoring::join)
                .havingCause()
                .isInstanceOfSatisfying(ProblemException.class, RestoreRaceTest::requireMissing);
        requireDeleted(thing);
    }

    @ParameterizedTest
    @EnumSource(Thing.class)
    void aCollectionLeavesAloneWhatIsBeingRestored(Thing thing) {
        delete(thing);
        transactions.executeWithoutResult(transaction -> {
            lockRepository();
            beside(() -> {
                        leave(Duration.ofSeconds(-1), "revision", "artifact");
                        collector.collect();
                        leave(Duration.ofMinutes(1), "revision", "artifact");
                    })
                    .join();
            leave(Duration.ofMinutes(1));
            restore(thing);
        });
        requireWhole();
    }

    @Test
    void whatComesBackIsWholeWheneverItIsAskedFor() {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
        var stop = new AtomicBoolean();
        int restored = 0;
        var collecting = beside(() -> {
            while (!stop.get()) {
                collector.collect();
            }
        });
        try {
            for (int round = 0; round < ROUNDS; round++) {
                make("a/round-" + round);
                Thing thing = Thing.values()[round % 3];
                delete(thing);
                leave(Duration.ofMillis(random.nextInt(12)));
                try {
                    restore(thing);
                    restored++;
                    requireWhole();
                } catch (ProblemException e) {
                    requireMissing(e);
                }
            }
        } finally {
            stop.set(true);
            collecting.join();
        }
        System.out.println(restored + " of " + ROUNDS + " restored beside collections, seed " + SEED);
        assertThat(restored).as("both happen").isBetween(1, ROUNDS - 1);
    }

    private static void requireMissing(ProblemException refusal) {
        assertThat(refusal.code())
                .isIn(ProblemCode.REPOSITORY_NOT_FOUND, ProblemCode.REVISION_NOT_FOUND, ProblemCode.ARTIFACT_NOT_FOUND);
    }

    private void requireDeleted(Thing thing) {
        boolean repository = sql.sql("select count(*) from repository where deleted_at is null")
                        .query(Integer.class)
                        .single()
                == 1;
        assertThat(repository).isEqualTo(thing != Thing.REPOSITORY);
        assertThat(live("artifact")).isZero();
        assertThat(live("revision")).isEqualTo(thing == Thing.REPOSITORY ? 0 : 1);
    }

    private int live(String table) {
        return sql.sql("select count(*) from " + table + " where deleted_at is null")
                .query(Integer.class)
                .single();
    }

    /** Both revisions with every byte, the newest as {@code main}, and the artifact with its files. */
    private void requireWhole() {
        assertThat(repositories.revision(TENANT, name, "main").id()).isEqualTo(second);
        for (String revision : List.of(first, second)) {
            for (RepositoryFile file :
                    repositories.revision(TENANT, name, revision).files()) {
                requireReadable(new BlobId(file.sha256(), file.size()));
            }
        }
        List<BlobId> files = sql.sql("""
                        select f.sha256, f.size from artifact a join artifact_file f on f.artifact_id = a.id
                        where a.id = :id and a.deleted_at is null
                        """)
                .param("id", artifact)
                .query((row, number) -> new BlobId(row.getString(1), row.getLong(2)))
                .list();
        assertThat(files).hasSize(1).allSatisfy(this::requireReadable);
    }

    private void requireReadable(BlobId id) {
        assertThat(blobs.find(id.sha256())).isPresent();
        try (InputStream content = blobs.open(id)) {
            assertThat(content.readAllBytes()).hasSize((int) id.size());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
