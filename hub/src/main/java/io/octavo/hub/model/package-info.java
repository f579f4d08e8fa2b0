/**
 * What the Hub's calls show of repositories and callers, in the protocol's own names and shapes (docs/hub-protocol.md).
 * What is absent is left out; clients pass over members that they do not know.
 *
 * <p>Entry class: {@link io.octavo.hub.model.ModelInfo}.
 */
@NullMarked
package io.octavo.hub.model;

import org.jspecify.annotations.NullMarked;
