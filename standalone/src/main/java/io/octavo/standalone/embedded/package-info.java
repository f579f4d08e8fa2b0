/**
 * The parts that stand in for a cluster: a home folder with its lock, a PostgreSQL on this machine.
 *
 * <p>Entry class: {@link io.octavo.standalone.embedded.EmbeddedParts}.
 */
@NullMarked
package io.octavo.standalone.embedded;

import org.jspecify.annotations.NullMarked;
