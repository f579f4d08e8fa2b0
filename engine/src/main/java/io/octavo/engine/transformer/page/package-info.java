/**
 * Pages of a cache: who holds them, and whose contents may be of use again.
 *
 * <p>Entry class: {@link io.octavo.engine.transformer.page.PagePool}. What pages hold is left to the cache.
 */
@NullMarked
package io.octavo.engine.transformer.page;

import org.jspecify.annotations.NullMarked;
