/**
 * JMH benchmarks of the CPU operations; the default tests do not run them.
 *
 * <p>Entry class: {@link io.octavo.kernels.benchmark.KernelBenchmarks}, whose documentation has the command. Each
 * benchmark says how much work one call is, so that the report is in GFLOP/s and GB/s.
 */
@NullMarked
package io.octavo.kernels.benchmark;

import org.jspecify.annotations.NullMarked;
