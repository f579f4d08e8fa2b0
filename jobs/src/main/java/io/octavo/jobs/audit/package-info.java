/**
 * Who did what: an append-only log of every call that changes something, one for each tenant.
 *
 * <p>Entry class: {@link io.octavo.jobs.audit.AuditLog}.
 */
@NullMarked
package io.octavo.jobs.audit;

import org.jspecify.annotations.NullMarked;
