/**
 * What a request would do, told from headers and config alone: what every module gets, what it costs, where the result
 * can run, and why a request cannot work.
 *
 * <p>Entry class: {@link io.octavo.engine.plan.PreFlight}. What happens to each tensor is decided by {@code
 * engine.quantize}; here it is summed up for people and schedulers.
 */
@NullMarked
package io.octavo.engine.plan;

import org.jspecify.annotations.NullMarked;
