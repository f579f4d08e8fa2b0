/**
 * Which schemes this service can write.
 *
 * <p>Entry class: {@code SchemeController}.
 */
@NullMarked
package io.octavo.api.scheme;

import org.jspecify.annotations.NullMarked;
