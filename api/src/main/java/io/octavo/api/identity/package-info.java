/**
 * Who calls: API keys and tokens of an identity provider, what their scopes open, and how often they may call.
 *
 * <p>Entry class: {@code SecurityConfiguration}. Controllers take a {@link io.octavo.api.identity.Caller}.
 */
@NullMarked
package io.octavo.api.identity;

import org.jspecify.annotations.NullMarked;
