/** Whole-engine measurements that are run by hand: {@code benchmarks/cpu} says how. */
@NullMarked
package io.octavo.engine.benchmark;

import org.jspecify.annotations.NullMarked;
