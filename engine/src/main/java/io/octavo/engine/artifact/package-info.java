/**
 * The files of an artifact while they come to be: a staging folder that becomes visible whole or not at all, hashes taken
 * beside the work, and which engine made them.
 *
 * <p>Entry class: {@link io.octavo.engine.artifact.StagingFolder}. What the files hold is left to {@code quantize} and
 * {@code convert}.
 */
@NullMarked
package io.octavo.engine.artifact;

import org.jspecify.annotations.NullMarked;
