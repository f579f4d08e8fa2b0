/**
 * Outcomes of jobs: artifacts with their lineage, and evaluations. Each is written in the transaction that completes
 * its job, under the fencing token.
 *
 * <p>Entry class: {@link io.octavo.jobs.artifact.ArtifactService}.
 */
@NullMarked
package io.octavo.jobs.artifact;

import org.jspecify.annotations.NullMarked;
