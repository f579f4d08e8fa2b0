/**
 * Who did what: an append-only log of every call that changes something, one for each tenant, written in the transaction of
 * the change.
 *
 * <p>Entry class: {@link io.octavo.jobs.audit.AuditTrail}.
 */
@NullMarked
package io.octavo.jobs.audit;

import org.jspecify.annotations.NullMarked;
