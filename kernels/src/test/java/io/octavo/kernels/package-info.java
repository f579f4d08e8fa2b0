/** One abstract contract test an operation, with a small subclass for each backend. */
@NullMarked
package io.octavo.kernels;

import org.jspecify.annotations.NullMarked;
