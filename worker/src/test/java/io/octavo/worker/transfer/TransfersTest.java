package io.octavo.worker.transfer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.request.JobMonitor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class TransfersTest {

    private Transfers transfers(int atOnce) {
        return new Transfers(new TransferProperties(atOnce));
    }

    @Test
    void movesSeveralAtOnceAndKeepsTheirOrder() {
        var together = new CyclicBarrier(3);
        List<Integer> files = IntStream.range(0, 9).boxed().toList();
        List<String> moved = transfers(3).each(files, file -> 10, JobMonitor.none(), (file, passage) -> {
            meet(together);
            passage.passed(10);
            return "file " + file;
        });
        assertThat(moved)
                .containsExactlyElementsOf(
                        files.stream().map(file -> "file " + file).toList());
    }

    @Test
    void tellsProgressInBytesFromTheCallersThread() {
        var monitor = new Recorder();
        transfers(2).each(List.of(1, 3), Integer::longValue, monitor, (file, passage) -> {
            passage.passed(file);
            return file;
        });
        assertThat(monitor.last).isEqualTo(1);
        assertThat(monitor.callers).containsExactly(Thread.currentThread());
    }

    @Test
    void theFirstFailureEndsTheOthersAndIsThrown() {
        var ended = new AtomicInteger();
        var begun = new CountDownLatch(2);
        assertThatThrownBy(() -> transfers(3).each(List.of(0, 1, 2), file -> 1, JobMonitor.none(), (file, passage) -> {
                    if (file == 2) {
                        await(begun);
                        throw new IOException("no such file");
                    }
                    begun.countDown();
                    return untilEnded(passage, ended);
                }))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("no such file");
        assertThat(ended).hasValue(2);
    }

    @Test
    void aCancelledJobEndsAll() {
        var ended = new AtomicInteger();
        var begun = new CountDownLatch(2);
        JobMonitor monitor = JobMonitor.stoppedBy(() -> begun.getCount() == 0);
        assertThatThrownBy(() -> transfers(2).each(List.of(0, 1, 2), file -> 1, monitor, (file, passage) -> {
                    begun.countDown();
                    return untilEnded(passage, ended);
                }))
                .isInstanceOf(JobCancelledException.class);
        assertThat(ended).hasValue(2);
    }

    @Test
    void nothingIsMovedWhereNothingIsAsked() {
        assertThat(transfers(2).each(List.of(), file -> 1, JobMonitor.none(), (file, passage) -> file))
                .isEmpty();
    }

    private static int untilEnded(Passage passage, AtomicInteger ended) {
        try {
            while (true) {
                passage.passed(0);
                Thread.onSpinWait();
            }
        } catch (JobCancelledException e) {
            ended.incrementAndGet();
            throw e;
        }
    }

    private static void meet(CyclicBarrier barrier) {
        try {
            barrier.await();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static final class Recorder implements JobMonitor {

        private final Set<Thread> callers = ConcurrentHashMap.newKeySet();
        private double last;

        @Override
        public void phase(String name) {}

        @Override
        public void progress(double fraction) {
            callers.add(Thread.currentThread());
            assertThat(fraction).isGreaterThanOrEqualTo(last);
            last = fraction;
        }

        @Override
        public void log(String line) {}

        @Override
        public void checkpoint() {}
    }
}
