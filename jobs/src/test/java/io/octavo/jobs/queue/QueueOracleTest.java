package io.octavo.jobs.queue;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.jobs.JobsTest;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.problem.Failure;
import io.octavo.jobs.problem.FailureKind;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.queue.QueueModel.Belief;
import io.octavo.jobs.queue.QueueModel.Command;
import io.octavo.jobs.queue.QueueModel.Ending;
import io.octavo.jobs.queue.QueueModel.ModelJob;
import io.octavo.jobs.queue.QueueModel.State;
import io.octavo.jobs.queue.QueueModel.Step;
import io.octavo.jobs.spec.QuantizeSpec;
import io.octavo.jobs.testing.EmbeddedServices;
import io.octavo.jobs.testing.Specs;
import io.octavo.wire.JobStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import tools.jackson.databind.node.JsonNodeFactory;

/** Random commands to the real queue on a real PostgreSQL, which must answer and change as its model does. */
class QueueOracleTest extends JobsTest {

    private static final int JOBS = 3;
    private static final int WORKERS = 3;
    private static final int COMMANDS = 250;
    private static final int MAX_ATTEMPTS = 3;

    @DynamicPropertySource
    static void services(DynamicPropertyRegistry registry) {
        EmbeddedServices.register(registry);
        registry.add("octavo.queue.transient-backoff", () -> "1h"); // rests end when the test says so
        registry.add("octavo.queue.lease", () -> "1h");
        registry.add("octavo.queue.max-backoff", () -> "2h");
    }

    private final List<UUID> ids = new ArrayList<>();
    private final List<WorkerIdentity> workers = IntStream.range(0, WORKERS)
            .mapToObj(i -> new WorkerIdentity(UUID.randomUUID(), "worker-" + i))
            .toList();

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void theQueueDoesWhatItsModelSays(long seed) {
        sql.sql("truncate job, job_event, idempotency, artifact, artifact_file, evaluation")
                .update();
        for (int i = 0; i < JOBS; i++) {
            ids.add(service.submit(TenantId.BUILT_IN, spec(), FoundPlans.NONE).id());
        }
        Random random = new Random(seed);
        QueueModel model = new QueueModel(MAX_ATTEMPTS);
        State state = model.start(JOBS, WORKERS);
        List<Command> history = new ArrayList<>();
        for (int i = 0; i < COMMANDS; i++) {
            List<Command> enabled = model.enabled(state, Integer.MAX_VALUE);
            Command command = enabled.get(random.nextInt(enabled.size()));
            history.add(command);
            Step expected = model.apply(state, command);
            QueueInvariants.check(state, command, expected);

            boolean accepted = perform(command, state, expected.state());

            assertThat(accepted).as("seed %d, %s", seed, history).isEqualTo(expected.accepted());
            assertThat(stored())
                    .as("seed %d, %s", seed, history)
                    .isEqualTo(expected.state().jobs());
            state = expected.state();
        }
    }

    private static QuantizeSpec spec() {
        return Specs.quantize("hub:octavo/books-5m", "octavo/books-5m-FP8", List.of(), 0);
    }

    /** @return whether the queue accepted it */
    private boolean perform(Command command, State before, State after) {
        try {
            switch (command) {
                case Command.Claim claim -> {
                    Optional<Lease> lease = queue.claim(workers.get(claim.worker()), Set.of(QuantizeSpec.TYPE))
                            .map(Claim::lease);
                    assertThat(lease)
                            .isEqualTo(after.workers().get(claim.worker()).map(this::lease));
                    return lease.isPresent();
                }
                case Command.Renew renew ->
                    assertThat(queue.heartbeat(lease(before, renew.worker())).cancelRequested())
                            .isEqualTo(jobOf(before, renew.worker()).cancelRequested());
                case Command.End end -> end(lease(before, end.worker()), end.ending());
                case Command.Expire expire ->
                    update("update job set lease_expires_at = now() - interval '1 second' where id = ?", expire.job());
                case Command.Rested rested -> update("update job set available_at = now() where id = ?", rested.job());
                case Command.Sweep sweep -> queue.reclaimExpired();
                case Command.Cancel cancel -> service.cancel(TenantId.BUILT_IN, ids.get(cancel.job()));
                case Command.Retry retry -> service.retry(TenantId.BUILT_IN, ids.get(retry.job()));
            }
            return true;
        } catch (LeaseLostException | ProblemException e) {
            return false;
        }
    }

    private void end(Lease lease, Ending ending) {
        switch (ending) {
            case COMPLETE -> queue.complete(lease, JsonNodeFactory.instance.objectNode());
            case FAIL_TRANSIENT -> queue.fail(lease, new Failure("down", FailureKind.TRANSIENT, "down"));
            case FAIL_USER -> queue.fail(lease, new Failure("wrong", FailureKind.USER, "wrong"));
            case RELEASE -> queue.release(lease);
            case CANCELLED -> queue.cancelled(lease);
        }
    }

    private void update(String statement, int job) {
        sql.sql(statement).param(ids.get(job)).update();
    }

    private Lease lease(State state, int worker) {
        return lease(state.workers().get(worker).orElseThrow());
    }

    private Lease lease(Belief belief) {
        return new Lease(ids.get(belief.job()), belief.attempt());
    }

    private static ModelJob jobOf(State state, int worker) {
        return state.jobs().get(state.workers().get(worker).orElseThrow().job());
    }

    /** The table in the model's words; what is completed has its event. */
    private List<ModelJob> stored() {
        return ids.stream()
                .map(id -> sql.sql("""
                        select status, attempt, attempt_limit, cancel_requested,
                            coalesce(lease_expires_at < now(), false) as expired,
                            status = 'QUEUED' and available_at > now() as resting, dead_letter,
                            (select count(*) from job_event e
                             where e.job_id = job.id and e.data ->> 'status' = 'SUCCEEDED') as artifacts
                        from job where id = ?
                        """)
                        .param(id)
                        .query((row, number) -> new ModelJob(
                                JobStatus.valueOf(row.getString("status")),
                                row.getInt("attempt"),
                                row.getInt("attempt_limit"),
                                row.getBoolean("cancel_requested"),
                                row.getBoolean("expired"),
                                row.getBoolean("resting"),
                                row.getBoolean("dead_letter"),
                                row.getInt("artifacts")))
                        .single())
                .toList();
    }
}
