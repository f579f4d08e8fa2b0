package io.octavo.engine.quantize;

import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.request.JobMonitor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Remembers what it was told; cancels at a chosen checkpoint. */
final class RecordingMonitor implements JobMonitor {

    final List<String> phases = new ArrayList<>();
    final List<Double> fractions = new ArrayList<>();
    private final Consumer<String> onPhase;
    private final int cancelAt;
    private int checkpoints;

    private RecordingMonitor(Consumer<String> onPhase, int cancelAt) {
        this.onPhase = onPhase;
        this.cancelAt = cancelAt;
    }

    static RecordingMonitor patient() {
        return new RecordingMonitor(phase -> {}, Integer.MAX_VALUE);
    }

    static RecordingMonitor cancellingAt(int checkpoint) {
        return new RecordingMonitor(phase -> {}, checkpoint);
    }

    static RecordingMonitor onPhase(Consumer<String> action) {
        return new RecordingMonitor(action, Integer.MAX_VALUE);
    }

    int checkpoints() {
        return checkpoints;
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
    public void log(String line) {}

    @Override
    public void checkpoint() {
        if (++checkpoints >= cancelAt) {
            throw new JobCancelledException("at checkpoint " + checkpoints);
        }
    }
}
