/**
 * Fixtures for this module and those above it: a real PostgreSQL and a real S3 server inside the test's process.
 *
 * <p>Entry class: {@link io.octavo.jobs.testing.EmbeddedServices}.
 */
@NullMarked
package io.octavo.jobs.testing;

import org.jspecify.annotations.NullMarked;
