/**
 * The report of an artifact: what it is, what its self-check saw, how it scored, and where it comes from; for programs and
 * for people.
 *
 * <p>Entry class: {@link io.octavo.api.report.ArtifactReports}.
 */
@NullMarked
package io.octavo.api.report;

import org.jspecify.annotations.NullMarked;
