/**
 * What clients send to change a repository, and what they are told to send (docs/hub-protocol.md, sections 3 and 7 to 9).
 *
 * <p>Entry class: {@link io.octavo.hub.upload.Operation}.
 */
@NullMarked
package io.octavo.hub.upload;

import org.jspecify.annotations.NullMarked;
