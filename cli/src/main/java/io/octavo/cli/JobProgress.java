package io.octavo.cli;

import io.octavo.cli.client.JobEvent;
import io.octavo.cli.terminal.LiveProgress;
import io.octavo.wire.JobStatus;
import java.util.Locale;
import java.util.function.Consumer;

/** Shows a job's events as live progress. */
public final class JobProgress implements Consumer<JobEvent> {

    private final LiveProgress progress;
    private final String task;
    private String phase = "queued";
    private double done;

    /**
     * @param task what the job is for, such as {@code quantize}
     */
    public JobProgress(LiveProgress progress, String task) {
        this.progress = progress;
        this.task = task;
    }

    @Override
    public void accept(JobEvent event) {
        switch (event.detail()) {
            case JobEvent.State state -> {
                phase = state.status().name().toLowerCase(Locale.ROOT);
                done = state.status() == JobStatus.SUCCEEDED ? 1 : done;
            }
            case JobEvent.Phase started -> phase = started.phase();
            case JobEvent.Progress reached -> done = reached.progress();
            case JobEvent.Metric metric -> {}
            case JobEvent.Log log -> {}
        }
        progress.update(task, done, phase);
    }
}
