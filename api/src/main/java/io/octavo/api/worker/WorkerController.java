package io.octavo.api.worker;

import io.octavo.api.identity.Caller;
import io.octavo.jobs.worker.WorkerRecord;
import io.octavo.jobs.worker.WorkerRegistry;
import io.swagger.v3.oas.annotations.Operation;
import java.util.List;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1/workers")
class WorkerController {

    private final WorkerRegistry workers;

    WorkerController(WorkerRegistry workers) {
        this.workers = workers;
    }

    @Operation(operationId = "listWorkers", summary = "Lists the workers, and what they work on")
    @GetMapping
    Workers list(Caller caller) {
        return new Workers(workers.list(caller.tenant()));
    }

    record Workers(List<WorkerRecord> items) {}
}
