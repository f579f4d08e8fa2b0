package io.octavo.worker.deploy;

import io.octavo.engine.serve.ServingHealth;
import io.octavo.jobs.deployment.DeploymentWork;
import io.octavo.jobs.queue.JobQueue;
import io.octavo.jobs.queue.LeaseLostException;
import io.octavo.wire.DeploymentHealth;
import io.octavo.worker.attempt.Attempt;
import io.octavo.worker.attempt.StopReason;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.transaction.TransactionException;

/** Tells the service now and then how a served model does; a database that is away for a moment costs a report alone. */
final class HealthReports {

    private static final Logger LOG = LoggerFactory.getLogger(HealthReports.class);

    /** Who has served for so long does well: what went wrong before says nothing about what comes. */
    private static final Duration SETTLED = Duration.ofMinutes(10);

    private final DeploymentWork deployments;
    private final JobQueue queue;
    private final Attempt attempt;
    private final Duration period;
    private final long start = System.nanoTime();
    private long told = start - Duration.ofDays(1).toNanos();
    private boolean settled;

    HealthReports(DeploymentWork deployments, JobQueue queue, Attempt attempt, Duration period) {
        this.deployments = deployments;
        this.queue = queue;
        this.attempt = attempt;
        this.period = period;
    }

    /** @param unused how long nobody has called */
    void tell(ServingHealth health, Duration unused) {
        long now = System.nanoTime();
        if (now - told < period.toNanos()) {
            return;
        }
        told = now;
        try {
            deployments.report(attempt.lease(), shown(health), unused);
            if (!settled && now - start > SETTLED.toNanos()) {
                queue.forgetAttempts(attempt.lease());
                settled = true;
            }
        } catch (LeaseLostException e) {
            attempt.stop(StopReason.LEASE_LOST);
        } catch (DataAccessException | TransactionException e) {
            LOG.warn("Could not tell how {} does: {}", attempt.lease().jobId(), e.getMessage());
        }
    }

    private static DeploymentHealth shown(ServingHealth health) {
        return new DeploymentHealth(
                health.running(),
                health.waiting(),
                health.freePages(),
                health.pages(),
                health.promptTokens(),
                health.cachedTokens(),
                health.completionTokens(),
                health.preemptions(),
                health.failures());
    }
}
