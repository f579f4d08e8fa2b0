/**
 * Worker processes, PostgreSQL and S3 under faults, and a checker of the history that they leave.
 *
 * <p>Entry class: {@link io.octavo.worker.faults.FaultSuiteTest}; docs/reliability.md tells what a long run showed.
 */
@NullMarked
package io.octavo.worker.faults;

import org.jspecify.annotations.NullMarked;
