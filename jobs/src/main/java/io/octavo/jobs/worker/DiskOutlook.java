package io.octavo.jobs.worker;

/**
 * What the workers' disks could take of a job.
 *
 * @param workers that are alive and have what the job asks for
 * @param totalBytes of the largest disk among them
 * @param freeBytes on the one that has most for a job now
 */
public record DiskOutlook(int workers, long totalBytes, long freeBytes) {}
