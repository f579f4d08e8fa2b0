package io.octavo.cli;

import io.octavo.cli.terminal.LiveProgress;
import io.octavo.cli.terminal.Quantity;
import io.octavo.cli.transfer.TransferMonitor;

/** Shows a transfer as live progress. */
public final class TransferProgress implements TransferMonitor {

    private final LiveProgress progress;
    private final String subject;
    private String stage = "";
    private long totalBytes;
    private long doneBytes;

    /**
     * @param subject what is being moved
     */
    public TransferProgress(LiveProgress progress, String subject) {
        this.progress = progress;
        this.subject = subject;
    }

    @Override
    public synchronized void stage(String name, long bytes) {
        stage = name + " " + subject;
        totalBytes = bytes;
        doneBytes = 0;
        show();
    }

    @Override
    public synchronized void advance(long bytes) {
        doneBytes += bytes;
        show();
    }

    private void show() {
        double fraction = totalBytes == 0 ? 1 : (double) doneBytes / totalBytes;
        progress.update(stage, fraction, Quantity.bytes(doneBytes) + " of " + Quantity.bytes(totalBytes));
    }
}
