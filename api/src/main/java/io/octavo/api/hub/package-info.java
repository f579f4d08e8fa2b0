/**
 * The Hugging Face Hub's protocol (docs/hub-protocol.md) on the same repositories that {@code /api/v1} shows: for clients
 * whose {@code HF_ENDPOINT} is this service's {@code /hub}. A caller is known by a key of ours as bearer token.
 *
 * <p>Entry class: {@code HubModelController}.
 */
@NullMarked
package io.octavo.api.hub;

import org.jspecify.annotations.NullMarked;
