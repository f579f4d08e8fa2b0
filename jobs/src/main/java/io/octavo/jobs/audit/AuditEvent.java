package io.octavo.jobs.audit;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One call.
 *
 * @param actor the key or the subject that called
 * @param action method and route, such as {@code POST /api/v1/jobs/{id}/cancel}
 * @param target the path as it was called, which names what was touched
 * @param status the answer's; none where a change was committed, since that was before the answer
 * @param address where the call came from
 */
public record AuditEvent(
        long id,
        Instant at,
        String actor,
        String action,
        String target,
        AuditOutcome outcome,
        @Nullable Integer status,
        String address) {}
