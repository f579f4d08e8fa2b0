package io.octavo.jobs.worker;

/**
 * The disk that a worker has for jobs.
 *
 * @param totalBytes what no job can exceed
 * @param freeBytes what a job could have when the worker last had none, with what can be removed for it
 */
public record WorkerDisk(long totalBytes, long freeBytes) {

    /** Of a worker that does not tell. */
    public static final WorkerDisk UNLIMITED = new WorkerDisk(Long.MAX_VALUE, Long.MAX_VALUE);
}
