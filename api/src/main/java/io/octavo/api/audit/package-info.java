/**
 * Writes down who changed what, and shows it to administrators.
 *
 * <p>Entry class: {@code AuditInterceptor}.
 */
@NullMarked
package io.octavo.api.audit;

import org.jspecify.annotations.NullMarked;
