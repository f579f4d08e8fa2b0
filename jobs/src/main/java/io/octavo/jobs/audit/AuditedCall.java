package io.octavo.jobs.audit;

import io.octavo.jobs.identity.TenantId;

/**
 * A call that may change something.
 *
 * @param actor the key or the subject that called
 * @param action method and route, such as {@code POST /api/v1/jobs/{id}/cancel}
 * @param target the path as it was called, which names what was touched
 * @param address where the call came from
 */
public record AuditedCall(TenantId tenant, String actor, String action, String target, String address) {}
