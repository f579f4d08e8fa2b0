package io.octavo.api;

import io.octavo.jobs.queue.WorkerIdentity;
import io.octavo.jobs.spec.SchemeInfo;
import io.octavo.jobs.worker.WorkerDescription;
import io.octavo.jobs.worker.WorkerRegistry;
import java.util.List;
import java.util.UUID;

/** A worker that the service knows of, and that does no work. */
public final class TestWorker {

    private static final WorkerDescription DESCRIPTION = new WorkerDescription(
            "host",
            "cpu",
            "1",
            List.of(new SchemeInfo("FP8_DYNAMIC", "eight bits")),
            List.of("compressed-tensors", "awq", "gptq", "gptq_v2", "modelopt", "fp8"));

    private TestWorker() {}

    /** One that nothing was known of. */
    public static void register(WorkerRegistry workers) {
        register(workers, new WorkerIdentity(UUID.randomUUID(), "worker"));
    }

    public static void register(WorkerRegistry workers, WorkerIdentity worker) {
        workers.register(worker, DESCRIPTION, false);
    }
}
