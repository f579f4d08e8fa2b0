/**
 * Which workers there are.
 *
 * <p>Entry class: {@code WorkerController}.
 */
@NullMarked
package io.octavo.api.worker;

import org.jspecify.annotations.NullMarked;
