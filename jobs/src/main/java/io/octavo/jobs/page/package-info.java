/**
 * Keyset pagination: opaque cursors and pages.
 *
 * <p>Entry class: {@link io.octavo.jobs.page.Page}.
 */
@NullMarked
package io.octavo.jobs.page;

import org.jspecify.annotations.NullMarked;
