package io.octavo.worker.claim;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.jobs.worker.WorkerDisk;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.junit.jupiter.api.Test;

final class DiskGaugeTest {

    private long free = 100;

    private final DiskGauge gauge = new DiskGauge(() -> {
        if (free < 0) {
            throw new UncheckedIOException(new IOException("gone"));
        }
        return new WorkerDisk(1000, free);
    });

    @Test
    void whatARunningJobHoldsIsNotMissingToTheNext() {
        assertThat(gauge.look()).isEqualTo(new WorkerDisk(1000, 100));
        free = 10;
        assertThat(gauge.freeBytes(true)).isEqualTo(100);
        assertThat(gauge.freeBytes(false)).isEqualTo(10);
        assertThat(gauge.freeBytes(true)).isEqualTo(10);
    }

    @Test
    void aDiskThatCannotBeLookedAtKeepsItsLastNumber() {
        gauge.look();
        free = -1;
        assertThat(gauge.freeBytes(false)).isEqualTo(100);
    }
}
