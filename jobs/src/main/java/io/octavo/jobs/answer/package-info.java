/**
 * Answers that are given again to a request which is sent again.
 *
 * <p>Entry class: {@link io.octavo.jobs.answer.KeptAnswers}. Jobs do not need it: theirs is committed with the job.
 */
@NullMarked
package io.octavo.jobs.answer;

import org.jspecify.annotations.NullMarked;
