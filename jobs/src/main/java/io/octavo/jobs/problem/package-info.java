/**
 * Failures that a user or operator can see: a stable code, what kind of failure it is, and a sentence.
 *
 * <p>Entry class: {@link io.octavo.jobs.problem.ProblemException}. How they look in HTTP is left to the api.
 */
@NullMarked
package io.octavo.jobs.problem;

import org.jspecify.annotations.NullMarked;
