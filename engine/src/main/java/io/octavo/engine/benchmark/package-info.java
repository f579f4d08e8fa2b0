/**
 * How fast a model is served: the same load on a checkpoint and on what was made of it, one after the other.
 *
 * <p>Entry class: {@link io.octavo.engine.benchmark.Benchmark}. The model is served by {@code serve}, in this process and
 * without HTTP.
 */
@NullMarked
package io.octavo.engine.benchmark;

import org.jspecify.annotations.NullMarked;
