package io.octavo.jobs.queue;

/** The queue on the embedded PostgreSQL. */
class EmbeddedQueueTest extends AbstractQueueTest {}
