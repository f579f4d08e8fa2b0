package io.octavo.jobs.deployment;

import io.octavo.jobs.queue.JobQueue;
import io.octavo.jobs.queue.Lease;
import io.octavo.jobs.queue.LeaseLostException;
import io.octavo.jobs.secret.SecretBox;
import io.octavo.wire.DeploymentHealth;
import java.time.Duration;
import java.util.Optional;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.databind.json.JsonMapper;

/**
 * The workers' side of deployments.
 *
 * <p>Every method throws {@link LeaseLostException} and writes nothing once the lease is lost.
 */
@Service
@Transactional
public class DeploymentWork {

    private final DeploymentTable table;
    private final JobQueue queue;
    private final SecretBox box;
    private final JsonMapper json;

    DeploymentWork(DeploymentTable table, JobQueue queue, SecretBox box, JsonMapper json) {
        this.table = table;
        this.queue = queue;
        this.box = box;
        this.json = json;
    }

    /** Until its time is up, negative once it is; empty where it has none, or was not ready yet. */
    public Optional<Duration> timeLeft(Lease lease) {
        queue.requireHeld(lease);
        return table.timeLeft(lease);
    }

    /**
     * Calls are answered from now on.
     *
     * @return until its time is up; empty where it has none
     * @throws io.octavo.jobs.problem.ProblemException {@code secrets-not-configured}
     */
    public Optional<Duration> ready(Lease lease, ServedEndpoint endpoint) {
        queue.requireHeld(lease);
        table.ready(lease, endpoint, box.seal(Deployments.place(lease.jobId()), endpoint.secret()));
        return table.timeLeft(lease);
    }

    /** @param unused how long no call has come */
    public void report(Lease lease, DeploymentHealth health, Duration unused) {
        if (!table.report(lease, json.writeValueAsString(health), unused)) {
            throw new LeaseLostException(lease);
        }
    }
}
