/**
 * The Hugging Face Hub protocol: the values that it names repositories by, and with the publishing and Hub endpoint work
 * its records and a client.
 *
 * <p>Entry class: {@link io.octavo.hub.RepositoryName}.
 */
@NullMarked
package io.octavo.hub;

import org.jspecify.annotations.NullMarked;
