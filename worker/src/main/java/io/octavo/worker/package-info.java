/**
 * Claims jobs from the queue, brings their inputs to local disk, runs the engine and commits the outcome under
 * the claim's fencing token.
 */
@NullMarked
package io.octavo.worker;

import org.jspecify.annotations.NullMarked;
