/**
 * What an artifact's own record tells of its errors, as figures and as a chart.
 *
 * <p>Entry class: {@link io.octavo.engine.report.ErrorReport}.
 */
@NullMarked
package io.octavo.engine.report;

import org.jspecify.annotations.NullMarked;
