package io.octavo.worker.claim;

import io.octavo.engine.Engine;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.request.JobMonitor;
import io.octavo.worker.attempt.JobScratch;
import io.octavo.worker.attempt.WorkDirectory;
import io.octavo.worker.engine.DeviceProperties;
import io.octavo.worker.engine.EngineFactory;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a worker does when it first has nothing to do: it makes its engine hot, so that the first job runs as fast as later
 * ones. A job that comes meanwhile goes first.
 */
final class IdleWarmUp {

    private static final Logger LOG = LoggerFactory.getLogger(IdleWarmUp.class);

    private final EngineFactory engines;
    private final WorkDirectory workDirectory;
    private final DeviceProperties device;
    private boolean done;

    IdleWarmUp(EngineFactory engines, WorkDirectory workDirectory, DeviceProperties device) {
        this.engines = engines;
        this.workDirectory = workDirectory;
        this.device = device;
    }

    boolean isDone() {
        return done;
    }

    /**
     * Is not done if it was cut short. A failure is logged and final: jobs meet the same one and tell their users.
     *
     * @param somethingToDo asked again and again
     * @return whether the device was lost to this process on the way
     */
    boolean run(BooleanSupplier somethingToDo) {
        done = true;
        try (Engine engine = engines.open(device.own());
                JobScratch scratch = workDirectory.scratch("warm-up")) {
            engine.warmUp(scratch.folder("engine"), JobMonitor.stoppedBy(somethingToDo));
        } catch (JobCancelledException e) {
            done = false;
        } catch (RuntimeException e) {
            LOG.warn("Warming up failed", e);
            return e instanceof QuantizationException failed && failed.code() == ErrorCode.DEVICE_FAULT;
        }
        return false;
    }
}
