package io.octavo.jobs.queue;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.jobs.queue.QueueModel.Command;
import io.octavo.jobs.queue.QueueModel.ModelJob;
import io.octavo.jobs.queue.QueueModel.State;
import io.octavo.jobs.queue.QueueModel.Step;
import io.octavo.wire.JobStatus;
import java.util.Optional;

/**
 * What holds whatever happens.
 *
 * <ol>
 *   <li>One token, one owner: no two workers believe in the same attempt of a job, and at most one believes in its
 *       current one.
 *   <li>Tokens only rise, by one, and only in a claim.
 *   <li>A write with a lost lease is refused and changes no job.
 *   <li>A job is completed at most once, and what is completed stays so.
 *   <li>Only a retry leads out of a terminal state; no job is ever gone.
 *   <li>A running job is within its attempts; only a failed one is a dead letter; only a running one has a lease.
 *   <li>A job that was asked to cancel is not queued again, unless somebody retries it.
 * </ol>
 */
final class QueueInvariants {

    private QueueInvariants() {}

    static void check(State before, Command command, Step step) {
        State after = step.state();
        assertThat(after.jobs()).as("5: no job is gone").hasSameSizeAs(before.jobs());
        assertThat(after.workers().stream().flatMap(Optional::stream).toList())
                .as("1: one token, one owner")
                .doesNotHaveDuplicates();
        for (int i = 0; i < after.jobs().size(); i++) {
            checkJob(after.jobs().get(i));
            checkChange(before.jobs().get(i), command, after.jobs().get(i));
        }
        if (!step.accepted()) {
            assertThat(after.jobs()).as("3: what is refused changes nothing").isEqualTo(before.jobs());
        }
    }

    private static void checkJob(ModelJob job) {
        assertThat(job.artifacts()).as("4: completed once").isEqualTo(job.status() == JobStatus.SUCCEEDED ? 1 : 0);
        assertThat(job.status() != JobStatus.RUNNING || job.attempt() <= job.limit())
                .as("6: within its attempts")
                .isTrue();
        assertThat(!job.deadLetter() || job.status() == JobStatus.FAILED)
                .as("6: dead letters have failed")
                .isTrue();
        assertThat(!job.expired() || job.status() == JobStatus.RUNNING)
                .as("6: leases are of running jobs")
                .isTrue();
        assertThat(job.cancelRequested() && job.status() == JobStatus.QUEUED)
                .as("7: a cancelled job is not queued")
                .isFalse();
    }

    private static void checkChange(ModelJob before, Command command, ModelJob after) {
        int raised = after.attempt() - before.attempt();
        boolean claimed = before.status() == JobStatus.QUEUED && after.status() == JobStatus.RUNNING;
        assertThat(raised).as("2: tokens rise in claims alone").isEqualTo(claimed ? 1 : 0);
        assertThat(!claimed || command instanceof Command.Claim)
                .as("2: only claims hand out")
                .isTrue();
        if (before.status().isTerminal() && after.status() != before.status()) {
            assertThat(command).as("5: only a retry leads out").isInstanceOf(Command.Retry.class);
            assertThat(before.status()).as("4: what is completed stays so").isNotEqualTo(JobStatus.SUCCEEDED);
        }
    }
}
