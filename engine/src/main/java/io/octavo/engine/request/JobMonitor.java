package io.octavo.engine.request;

import io.octavo.engine.failure.JobCancelledException;
import java.util.function.BooleanSupplier;

/** How a long engine call tells its caller where it is, and learns that it should stop. Called from one thread. */
public interface JobMonitor {

    /** A new phase begins, such as {@code quantize} or {@code verify}. */
    void phase(String name);

    /** How much of the whole call is done, 0 to 1, never falling. Called often; implementations throttle. */
    void progress(double fraction);

    /** A line for the job's log. */
    void log(String line);

    /**
     * Called at least once a tensor, layer or window.
     *
     * @throws JobCancelledException if the work should stop now; nothing of it becomes visible
     */
    void checkpoint();

    /**
     * A monitor of a part of this call.
     *
     * @param from progress of the whole where the part begins
     * @param to and where it ends
     */
    default JobMonitor part(double from, double to) {
        JobMonitor whole = this;
        return new JobMonitor() {
            @Override
            public void phase(String name) {
                whole.phase(name);
            }

            @Override
            public void progress(double fraction) {
                whole.progress(from + (to - from) * fraction);
            }

            @Override
            public void log(String line) {
                whole.log(line);
            }

            @Override
            public void checkpoint() {
                whole.checkpoint();
            }
        };
    }

    /** Ignores everything and never cancels. */
    static JobMonitor none() {
        return stoppedBy(() -> false);
    }

    /**
     * Ignores everything and cancels once it is told to.
     *
     * @param stop asked at every checkpoint
     */
    static JobMonitor stoppedBy(BooleanSupplier stop) {
        return new JobMonitor() {
            @Override
            public void phase(String name) {}

            @Override
            public void progress(double fraction) {}

            @Override
            public void log(String line) {}

            @Override
            public void checkpoint() {
                if (stop.getAsBoolean()) {
                    throw new JobCancelledException("told to stop");
                }
            }
        };
    }
}
