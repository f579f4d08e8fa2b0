package io.octavo.worker.claim;

import io.octavo.jobs.worker.WorkerDisk;
import java.io.UncheckedIOException;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the next job will find of this worker's disk: what a job holds while it runs is not there for long. */
final class DiskGauge {

    private static final Logger LOG = LoggerFactory.getLogger(DiskGauge.class);

    private final Supplier<WorkerDisk> disk;
    private volatile long freeBytes;

    DiskGauge(Supplier<WorkerDisk> disk) {
        this.disk = disk;
    }

    WorkerDisk look() {
        WorkerDisk seen = disk.get();
        freeBytes = seen.freeBytes();
        return seen;
    }

    /** @param busy a job runs, so that the last look before it counts */
    long freeBytes(boolean busy) {
        if (!busy) {
            try {
                look();
            } catch (UncheckedIOException e) {
                LOG.warn("Could not look at the disk: {}", e.getMessage());
            }
        }
        return freeBytes;
    }
}
