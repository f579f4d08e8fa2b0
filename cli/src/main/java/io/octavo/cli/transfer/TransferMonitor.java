package io.octavo.cli.transfer;

/** Sees how a transfer gets on. Called from several threads. */
public interface TransferMonitor {

    /** A new stage begins, with so many bytes to come. */
    void stage(String name, long bytes);

    /** So many bytes more are done in this stage; negative when a try starts over. */
    void advance(long bytes);
}
