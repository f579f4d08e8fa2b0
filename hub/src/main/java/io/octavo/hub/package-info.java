/**
 * The Hugging Face Hub protocol: the values that it names repositories by; below it, what it shows and takes. It knows no
 * JSON, HTTP or database.
 *
 * <p>Entry class: {@link io.octavo.hub.RepositoryName}.
 */
@NullMarked
package io.octavo.hub;

import org.jspecify.annotations.NullMarked;
