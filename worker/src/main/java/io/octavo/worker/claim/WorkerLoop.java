package io.octavo.worker.claim;

import io.octavo.engine.Engine;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.request.DeviceOffer;
import io.octavo.jobs.lifecycle.Restartable;
import io.octavo.jobs.queue.JobQueue;
import io.octavo.jobs.queue.JobSignals;
import io.octavo.jobs.queue.QueueMetrics;
import io.octavo.jobs.queue.WorkerIdentity;
import io.octavo.jobs.spec.ServeSpec;
import io.octavo.jobs.worker.WorkerDescription;
import io.octavo.jobs.worker.WorkerOffer;
import io.octavo.jobs.worker.WorkerRegistry;
import io.octavo.worker.attempt.WorkDirectory;
import io.octavo.worker.engine.DeviceProperties;
import io.octavo.worker.engine.EngineFactory;
import io.octavo.worker.run.JobRunners;
import io.octavo.worker.source.SourceResolver;
import io.opentelemetry.api.OpenTelemetry;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;

/**
 * What this worker does at once: one job, and beside it as many deployments as it may serve, which last until they are
 * stopped and would otherwise keep every job waiting. Stopping hands all of them back.
 */
@Component
public class WorkerLoop extends Restartable {

    private static final Logger LOG = LoggerFactory.getLogger(WorkerLoop.class);

    private final ClaimLoop.Parts parts;
    private final WorkerRegistry registry;
    private final EngineFactory engines;
    private final JobRunners runners;
    private final WorkDirectory workDirectory;
    private final SourceResolver sources;
    private final ClaimProperties properties;
    private final DeviceProperties device;

    WorkerLoop(
            JobQueue queue,
            JobSignals signals,
            QueueMetrics metrics,
            WorkerRegistry registry,
            EngineFactory engines,
            JobRunners runners,
            FailureTranslator failures,
            WorkDirectory workDirectory,
            SourceResolver sources,
            ClaimProperties properties,
            DeviceProperties device,
            ProcessEnd processEnd,
            OpenTelemetry telemetry) {
        this.parts = new ClaimLoop.Parts(
                queue,
                signals,
                metrics,
                runners,
                failures,
                workDirectory,
                properties,
                processEnd,
                telemetry.getTracer("io.octavo.worker"));
        this.registry = registry;
        this.engines = engines;
        this.runners = runners;
        this.workDirectory = workDirectory;
        this.sources = sources;
        this.properties = properties;
        this.device = device;
    }

    @Override
    protected Restartable.Life newLife() {
        return new Life();
    }

    /** One start of the loops; its identity is new each time, so that leases of earlier ones are somebody else's. */
    private final class Life implements Restartable.Life {

        private final WorkerIdentity identity = new WorkerIdentity(UUID.randomUUID(), properties.name());
        private final ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(
                2, Thread.ofPlatform().daemon().name("worker-pulse-", 0).factory());
        private final ClaimLoop jobs = loop("worker", runners.types(), new IdleWarmUp(engines, workDirectory, device));
        private final List<ClaimLoop> loops = new ArrayList<>(List.of(jobs));
        private final DiskGauge disk = new DiskGauge(sources::disk);

        Life() {
            for (int i = 1; i <= properties.deployments(); i++) {
                loops.add(loop("worker-serve-" + i, Set.of(ServeSpec.TYPE), null));
            }
        }

        private ClaimLoop loop(String name, Set<String> types, @Nullable IdleWarmUp warmUp) {
            return new ClaimLoop(parts, identity, name, types, warmUp, scheduler);
        }

        @Override
        public void start() {
            if (properties.exclusiveName()) {
                int taken = parts.queue().reclaimFrom(properties.name());
                if (taken > 0) {
                    LOG.info("Took back {} job(s) that this worker left in an earlier life", taken);
                }
            }
            registry.register(identity, describe(), properties.exclusiveName());
            long period = properties.poll().toNanos();
            var _ = scheduler.scheduleWithFixedDelay(this::housekeep, period, period, TimeUnit.NANOSECONDS);
            loops.forEach(ClaimLoop::start);
        }

        private WorkerDescription describe() {
            try (Engine engine = engines.open(device.own())) {
                return describe(engine.device(), engine.deviceOffer());
            } catch (QuantizationException e) {
                return describe("none: " + e.getMessage(), DeviceOffer.CPU);
            }
        }

        private WorkerDescription describe(String device, DeviceOffer offer) {
            parts.metrics().freeDeviceMemory(offer.freeMemoryBytes());
            return new WorkerDescription(
                    hostName(),
                    device,
                    new WorkerOffer(
                            offer.kind(), offer.freeMemoryBytes(), offer.computeCapability(), properties.labels()),
                    disk.look(),
                    engines.version(),
                    engines.schemes(),
                    engines.layouts());
        }

        private void housekeep() {
            try {
                registry.seen(identity, disk.freeBytes(jobs.isBusy()));
            } catch (DataAccessException | TransactionException e) {
                LOG.warn("Could not reach the database: {}", e.getMessage());
            }
        }

        @Override
        public void stop() {
            loops.forEach(ClaimLoop::stop);
            loops.forEach(ClaimLoop::joinOrRelease);
            scheduler.shutdownNow();
            try {
                registry.unregister(identity);
            } catch (DataAccessException | TransactionException e) {
                LOG.warn("Could not sign off: {}", e.getMessage());
            }
        }
    }

    private static String hostName() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "unknown";
        }
    }
}
