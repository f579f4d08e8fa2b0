package io.octavo.api.audit;

import io.octavo.api.identity.Caller;
import io.octavo.api.problem.Problems;
import io.octavo.jobs.audit.AuditEvent;
import io.octavo.jobs.audit.AuditLog;
import io.octavo.jobs.page.PageLimit;
import io.octavo.wire.Page;
import io.swagger.v3.oas.annotations.Operation;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1/audit")
class AuditController {

    private final AuditLog log;

    AuditController(AuditLog log) {
        this.log = log;
    }

    @Operation(operationId = "listAuditEvents", summary = "Lists who changed what, the newest first")
    @GetMapping
    Page<AuditEvent> list(
            Caller caller,
            @RequestParam(required = false) @Nullable Integer limit,
            @RequestParam(required = false) @Nullable String cursor) {
        return log.list(caller.tenant(), PageLimit.of(limit), Problems.number("cursor", cursor, Long.MAX_VALUE));
    }
}
