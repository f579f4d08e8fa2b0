package io.octavo.worker.claim;

/** Ends the worker's process, in order, where it can go on no longer. */
public interface ProcessEnd {

    /** A GPU that failed is lost to the process that used it; a new one may find it well. Sets no other failure's code. */
    int DEVICE_FAULT = 86;

    /** Returns at once; the process ends soon after. */
    void end(int exitCode);
}
