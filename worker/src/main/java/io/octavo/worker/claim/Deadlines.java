package io.octavo.worker.claim;

import io.octavo.jobs.problem.Failure;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.queue.Claim;
import io.octavo.jobs.spec.Scheduling;
import io.octavo.worker.attempt.Attempt;
import io.octavo.worker.attempt.StopReason;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Stops an attempt that takes longer than its job allows, until it is closed. */
final class Deadlines implements AutoCloseable {

    private static final long PERIOD_MILLIS = 100;

    private final Attempt attempt;
    private final Scheduling limits;
    private final @Nullable Duration timeLeft;
    private final long startedAt = System.nanoTime();
    private final @Nullable ScheduledFuture<?> schedule;

    Deadlines(Claim claim, Attempt attempt, ScheduledExecutorService scheduler) {
        this.attempt = attempt;
        this.limits = claim.spec().scheduling();
        this.timeLeft = claim.timeLeft().orElse(null);
        this.schedule = limits.timeout().isPresent() || limits.phaseTimeout().isPresent()
                ? scheduler.scheduleWithFixedDelay(this::look, 0, PERIOD_MILLIS, TimeUnit.MILLISECONDS)
                : null;
    }

    private void look() {
        if (timeLeft != null && System.nanoTime() - startedAt >= timeLeft.toNanos()) {
            attempt.stop(StopReason.JOB_TIMED_OUT);
        } else if (limits.phaseTimeout().isPresent()
                && attempt.phaseAge().compareTo(limits.phaseTimeout().get()) > 0) {
            attempt.stop(StopReason.PHASE_TIMED_OUT);
        }
    }

    /** Taking longer again would not help, so this is for good. */
    Failure jobTimedOut() {
        return Failure.of(
                ProblemCode.JOB_TIMED_OUT,
                "the job was not done within its timeout of "
                        + limits.timeout().map(Duration::toString).orElse("?") + "; it was in phase "
                        + attempt.phase());
    }

    /** What hangs may not hang again. */
    Failure phaseTimedOut() {
        return Failure.of(
                ProblemCode.PHASE_TIMED_OUT,
                "phase " + attempt.phase() + " was not done within the timeout of "
                        + limits.phaseTimeout().map(Duration::toString).orElse("?"));
    }

    @Override
    public void close() {
        if (schedule != null) {
            schedule.cancel(false);
        }
    }
}
