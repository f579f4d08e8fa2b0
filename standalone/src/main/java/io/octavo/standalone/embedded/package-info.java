/**
 * The parts that stand in for a cluster: a home folder with its lock, a PostgreSQL and an S3 server on this machine.
 *
 * <p>Entry class: {@link io.octavo.standalone.embedded.EmbeddedParts}.
 */
@NullMarked
package io.octavo.standalone.embedded;

import org.jspecify.annotations.NullMarked;
