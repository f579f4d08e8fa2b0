package io.octavo.jobs.deletion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.octavo.hub.RepositoryName;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.ObjectStore;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.repository.RepositoryService;
import io.octavo.jobs.testing.EmbeddedServices;
import io.octavo.wire.RepositoryFile;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.context.annotation.Import;
import org.springframework.test.context.TestPropertySource;

/** Collections that run at the worst moments of uploads and commits, on a real database and a real store. */
@Timeout(60)
@TestPropertySource(properties = "octavo.storage.bucket=collected")
@Import(CollectorTest.Interruption.class)
class CollectorTest extends AbstractDeletionTest {

    private static final TenantId TENANT = TenantId.BUILT_IN;
    private static final RepositoryName NAME = RepositoryName.parse("a/b");

    /** Runs once when an object has just been stored, before its blob is entered. */
    private static @Nullable Runnable whenStored;

    /** No configuration, which a scan of the class path would find in other tests. */
    static class Interruption implements BeanPostProcessor {

        @Override
        public Object postProcessAfterInitialization(Object bean, String name) {
            return bean instanceof ObjectStore store ? interrupted(store) : bean;
        }

        private static Object interrupted(ObjectStore store) {
            return Proxy.newProxyInstance(
                    ObjectStore.class.getClassLoader(),
                    new Class<?>[] {ObjectStore.class},
                    (proxy, method, arguments) -> {
                        try {
                            Object answer = method.invoke(store, arguments);
                            Runnable once = whenStored;
                            if (method.getName().equals("put") && once != null) {
                                whenStored = null;
                                once.run();
                            }
                            return answer;
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    });
        }
    }

    private final byte[] bytes = ("bytes " + UUID.randomUUID()).getBytes(StandardCharsets.UTF_8);
    private final BlobId id = new BlobId(sha256(bytes), bytes.length);

    @BeforeEach
    void start() {
        startEmpty();
    }

    @AfterEach
    void uninterrupted() {
        whenStored = null;
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private void put() {
        blobs.put(TENANT, id, new ByteArrayInputStream(bytes));
    }

    private String commit() {
        return repositories
                .commit(TENANT, NAME, "m", List.of(new RepositoryFile("f", id.size(), id.sha256())))
                .revision()
                .id();
    }

    /** As if everything had happened two days ago. */
    private void twoDaysPass() {
        for (String statement : List.of(
                "update blob set touched_at = touched_at - interval '2 days'",
                "update blob_owner set created_at = created_at - interval '2 days'",
                "update repository set deleted_at = deleted_at - interval '2 days'",
                "update revision set deleted_at = deleted_at - interval '2 days'")) {
            sql.sql(statement).update();
        }
        if (Files.exists(file())) {
            try {
                Files.setLastModifiedTime(file(), FileTime.from(Instant.now().minus(2, ChronoUnit.DAYS)));
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }
    }

    private Path file() {
        String hash = id.sha256();
        return EmbeddedServices.s3()
                .folder()
                .resolve("collected/blobs/sha256/" + hash.substring(0, 2) + "/" + hash.substring(2, 4) + "/" + hash);
    }

    private void assertReadable() throws IOException {
        try (InputStream content = blobs.open(id)) {
            assertThat(content.readAllBytes()).isEqualTo(bytes);
        }
    }

    private void assertGone() {
        assertThat(blobs.find(id.sha256())).isEmpty();
        assertThat(file()).doesNotExist();
    }

    @Test
    void collectsWhatNothingNamesAfterAWhile() {
        put();
        collector.collect();
        assertThat(blobs.find(id.sha256())).isPresent();
        twoDaysPass();
        collector.collect();
        assertGone();
        assertThat(sql.sql("select count(*) from blob_owner").query(Long.class).single())
                .isZero();
    }

    @Test
    void keepsWhatARevisionNamesAndCollectsItOnceThatIsDeleted() throws IOException {
        put();
        commit();
        twoDaysPass();
        collector.collect();
        assertReadable();
        deletions.repository(TENANT, NAME);
        collector.collect();
        assertReadable();
        twoDaysPass();
        collector.collect();
        assertGone();
        assertThat(sql.sql("select count(*) from repository").query(Long.class).single())
                .isZero();
    }

    /** The service has the bytes already, so that the upload stores nothing; a collection comes in the middle of it. */
    @Test
    void anUploadOfKnownBytesSurvivesACollectionInTheMiddle() throws IOException {
        put();
        twoDaysPass();
        blobs.put(TENANT, id, interrupted(collector::collect));
        commit();
        assertReadable();
    }

    /** The same, where all happens to the stored bytes while they are uploaded again. */
    @Test
    void anUploadThatBeginsBeforeACollectionAndEndsAfterItLosesNothing() throws IOException {
        put();
        ProblemException repeat = catchProblem(() -> blobs.put(TENANT, id, interrupted(() -> {
            twoDaysPass();
            collector.collect();
            assertGone();
        })));
        assertUploadedAgainAfter(repeat);
    }

    /** The object is stored, its row is not yet there, and a collection takes it for the leftover of a failed upload. */
    @Test
    void anObjectThatIsTakenForALeftoverIsUploadedAgain() throws IOException {
        whenStored = () -> {
            twoDaysPass();
            collector.collect();
            assertGone();
        };
        ProblemException repeat = catchProblem(this::put);
        assertUploadedAgainAfter(repeat);
    }

    private void assertUploadedAgainAfter(ProblemException repeat) throws IOException {
        assertThat(repeat.code()).isEqualTo(ProblemCode.STORAGE_UNAVAILABLE);
        assertThat(blobs.find(id.sha256())).isEmpty();
        put();
        commit();
        assertReadable();
    }

    @Test
    void aCommitUnderWayKeepsItsBytes() throws IOException {
        put();
        twoDaysPass();
        transactions.executeWithoutResult(transaction -> {
            commit();
            CompletableFuture.runAsync(collector::collect).join();
        });
        assertReadable();
    }

    @Test
    void whatAClientNeedNotSendStaysUntilTheRestHasCome() {
        put();
        twoDaysPass();
        blobs.keep(List.of(id.sha256(), "no hash\0"));
        collector.collect();
        assertThat(commit()).hasSize(40);
    }

    @Test
    void collectsObjectsWithoutARowAndUploadsThatEndedOnTheirWay() throws IOException {
        put();
        sql.sql("truncate blob, blob_owner, revision_file, artifact, artifact_file")
                .update();
        Path staged = EmbeddedServices.s3().folder().resolve("collected/staging/uploads/left");
        Files.createDirectories(Objects.requireNonNull(staged.getParent()));
        Files.write(staged, bytes);
        collector.collect();
        assertThat(file()).exists();
        assertThat(staged).exists();
        twoDaysPass();
        Files.setLastModifiedTime(staged, FileTime.from(Instant.now().minus(2, ChronoUnit.DAYS)));
        collector.collect();
        assertGone();
        assertThat(staged).doesNotExist();
    }

    @Test
    void aDeletedRevisionThatIsCommittedAgainIsBack() throws IOException {
        put();
        String revision = commit();
        deletions.revision(TENANT, NAME, revision);
        assertThat(repositories
                        .commit(TENANT, NAME, "m", List.of(new RepositoryFile("f", id.size(), id.sha256())))
                        .created())
                .isTrue();
        assertThat(repositories.revision(TENANT, NAME, RepositoryService.MAIN).id())
                .isEqualTo(revision);
        twoDaysPass();
        collector.collect();
        assertReadable();
    }

    @Test
    void oldRevisionsGoWhereTheirRepositorySaysSoButNotTheNewest() {
        put();
        String old = commit();
        repositories.commit(TENANT, NAME, "m", List.of(new RepositoryFile("g", id.size(), id.sha256())));
        sql.sql("update revision set created_at = now() - interval '40 days'").update();
        collector.collect();
        assertThat(repositories.revision(TENANT, NAME, old).id()).isEqualTo(old);
        sql.sql("update repository set retention_days = 30").update();
        collector.collect();
        assertThat(catchProblem(() -> repositories.revision(TENANT, NAME, old)).code())
                .isEqualTo(ProblemCode.REVISION_NOT_FOUND);
        assertThat(repositories.revision(TENANT, NAME, RepositoryService.MAIN).files())
                .hasSize(1);
    }

    private static ProblemException catchProblem(Runnable call) {
        ProblemException[] caught = new ProblemException[1];
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(call::run)
                .satisfies(problem -> caught[0] = problem);
        return caught[0];
    }

    /** The bytes, with something else between the first and the second. */
    private InputStream interrupted(Runnable between) {
        return new FilterInputStream(new ByteArrayInputStream(bytes)) {

            private @Nullable Runnable waiting = between;

            @Override
            public int read(byte[] buffer, int offset, int length) throws IOException {
                int read = super.read(buffer, offset, Math.min(1, length));
                if (waiting != null) {
                    Runnable now = waiting;
                    waiting = null;
                    now.run();
                }
                return read;
            }
        };
    }
}
