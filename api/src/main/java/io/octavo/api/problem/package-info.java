/**
 * Failures as RFC 9457 problems with a stable code; never a stack trace, a path or a key.
 *
 * <p>Entry class: {@code ProblemAdvice}.
 */
@NullMarked
package io.octavo.api.problem;

import org.jspecify.annotations.NullMarked;
