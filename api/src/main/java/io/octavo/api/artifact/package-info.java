/**
 * Artifacts, their files and reports.
 *
 * <p>Entry class: {@code ArtifactController}.
 */
@NullMarked
package io.octavo.api.artifact;

import org.jspecify.annotations.NullMarked;
