/**
 * What a worker that runs alone shows to Prometheus; beside an api, that shows it.
 *
 * <p>Entry class: {@link io.octavo.worker.metrics.MetricsEndpoint}. The meters themselves are made where things happen.
 */
@NullMarked
package io.octavo.worker.metrics;

import org.jspecify.annotations.NullMarked;
