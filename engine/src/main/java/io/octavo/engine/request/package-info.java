/**
 * What callers ask of the engine and what they are told: requests, results, and the monitor of a call under way.
 *
 * <p>Records alone, without a line of the work itself; the face that takes them is {@code Engine}, one
 * package above, which every package of the engine is free to know these without.
 */
@NullMarked
package io.octavo.engine.request;

import org.jspecify.annotations.NullMarked;
