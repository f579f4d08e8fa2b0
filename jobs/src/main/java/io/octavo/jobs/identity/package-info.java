/**
 * Tenants, to which everything that a client can name belongs, and the keys that speak for them.
 *
 * <p>Entry class: {@link io.octavo.jobs.identity.ApiKeys}. How a request carries a key, and what a scope opens, is left
 * to the api.
 */
@NullMarked
package io.octavo.jobs.identity;

import org.jspecify.annotations.NullMarked;
