/**
 * Names that git gives to contents, which the Hub's clients compare with what they have: SHA-1 of objects in git's format,
 * and the pointers that stand in a tree for large files.
 *
 * <p>Entry class: {@link io.octavo.hub.git.GitId}.
 */
@NullMarked
package io.octavo.hub.git;

import org.jspecify.annotations.NullMarked;
