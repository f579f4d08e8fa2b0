package io.octavo.jobs.change;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.jobs.JobsTest;
import io.octavo.jobs.problem.DatabaseFailure;
import io.octavo.jobs.testing.EmbeddedServices;
import jakarta.persistence.EntityManager;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.test.context.TestPropertySource;

/** Of a change that meets another one the log tells only where it is given up. */
@Timeout(60)
@ExtendWith(OutputCaptureExtension.class)
@TestPropertySource(properties = {"octavo.collector.enabled=false", "octavo.storage.bucket=changes"})
class GuardedChangeTest extends JobsTest {

    @DynamicPropertySource
    static void services(DynamicPropertyRegistry registry) {
        EmbeddedServices.register(registry);
    }

    @Autowired
    GuardedChange changes;

    @Autowired
    EntityManager entities;

    private final AtomicInteger attempts = new AtomicInteger();

    @BeforeEach
    void begin() {
        sql.sql("create table if not exists guarded (number int)").update();
        sql.sql("delete from guarded").update();
        sql.sql("insert into guarded values (0)").update();
    }

    /** @param conflicts how many attempts meet another change behind their look */
    private void change(int conflicts) {
        changes.run(
                () -> entities.createNativeQuery("select number from guarded").getSingleResult(), () -> {
                    if (attempts.incrementAndGet() <= conflicts) {
                        CompletableFuture.runAsync(() -> sql.sql("update guarded set number = number + 1")
                                        .update())
                                .join();
                    }
                    return entities.createNativeQuery("update guarded set number = number + 100")
                            .executeUpdate();
                });
    }

    @Test
    void aConflictThatIsTriedAgainIsNoWarning(CapturedOutput log) {
        change(2);
        assertThat(attempts).hasValue(3);
        assertThat(sql.sql("select number from guarded").query(Integer.class).single())
                .isEqualTo(102);
        assertThat(log.getAll()).doesNotContain("40001", "could not serialize");
    }

    @Test
    void oneThatNeverEndsReachesWhoeverTellsOfIt() {
        assertThatThrownBy(() -> change(Integer.MAX_VALUE))
                .matches(DatabaseFailure::metAnother)
                .hasMessageContaining("could not serialize access");
        assertThat(attempts).hasValue(10);
    }
}
