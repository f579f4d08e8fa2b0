package io.octavo.engine.quantize;

import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.request.JobMonitor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Remembers what it was told; cancels at the first checkpoint after a phase or a share of the work. Checkpoints themselves
 * are not counted: while the work waits for a task, the clock decides how many there are.
 */
final class RecordingMonitor implements JobMonitor {

    final List<String> phases = new ArrayList<>();
    final List<Double> fractions = new ArrayList<>();
    final List<String> lines = new ArrayList<>();
    private final Consumer<String> onPhase;
    private final Predicate<RecordingMonitor> cancelled;

    private RecordingMonitor(Consumer<String> onPhase, Predicate<RecordingMonitor> cancelled) {
        this.onPhase = onPhase;
        this.cancelled = cancelled;
    }

    static RecordingMonitor patient() {
        return new RecordingMonitor(phase -> {}, monitor -> false);
    }

    static RecordingMonitor cancellingIn(String phase) {
        return new RecordingMonitor(begun -> {}, monitor -> monitor.phases.contains(phase));
    }

    /** @param share of the whole work that must be done */
    static RecordingMonitor cancellingAfter(double share) {
        return new RecordingMonitor(
                begun -> {}, monitor -> !monitor.fractions.isEmpty() && monitor.fractions.getLast() >= share);
    }

    static RecordingMonitor onPhase(Consumer<String> action) {
        return new RecordingMonitor(action, monitor -> false);
    }

    @Override
    public void phase(String name) {
        phases.add(name);
        onPhase.accept(name);
    }

    @Override
    public void progress(double fraction) {
        fractions.add(fraction);
    }

    @Override
    public void log(String line) {
        lines.add(line);
    }

    @Override
    public void checkpoint() {
        if (cancelled.test(this)) {
            throw new JobCancelledException("in " + phases + " after " + fractions);
        }
    }
}
