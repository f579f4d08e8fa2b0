package io.octavo.cli.transfer;

/** Remembers the latest stage's bytes. */
final class CountingMonitor implements TransferMonitor {

    private long totalBytes;
    private long doneBytes;

    @Override
    public synchronized void stage(String name, long bytes) {
        totalBytes = bytes;
        doneBytes = 0;
    }

    @Override
    public synchronized void advance(long bytes) {
        doneBytes += bytes;
    }

    synchronized long totalBytes() {
        return totalBytes;
    }

    synchronized long doneBytes() {
        return doneBytes;
    }
}
