package io.octavo.standalone;

import io.octavo.cli.terminal.LiveProgress;
import io.octavo.engine.request.JobMonitor;

/** Shows how far the engine is. */
final class EngineProgress implements JobMonitor {

    private final LiveProgress progress;
    private String phase = "plan";

    /** @param progress borrowed */
    EngineProgress(LiveProgress progress) {
        this.progress = progress;
    }

    @Override
    public void phase(String name) {
        phase = name;
    }

    @Override
    public void progress(double fraction) {
        progress.update(phase, fraction, "");
    }

    @Override
    public void log(String line) {
        progress.line(line);
    }

    @Override
    public void checkpoint() {
        // Ctrl-C ends the process, and what is staged with it.
    }
}
