/**
 * Job and artifact aggregates, the queue that hands jobs to workers, and the blob store. The api and the worker
 * are its users; what a job does is left to them.
 */
@NullMarked
package io.octavo.jobs;

import org.jspecify.annotations.NullMarked;
