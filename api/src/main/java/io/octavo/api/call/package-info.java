/**
 * What holds of every call: JSON in and out, no parameter that is not known, the same answer to a request that is sent again.
 *
 * <p>Entry class: {@code CallConfiguration}.
 */
@NullMarked
package io.octavo.api.call;

import org.jspecify.annotations.NullMarked;
