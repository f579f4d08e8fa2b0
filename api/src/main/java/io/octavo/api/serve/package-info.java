/**
 * OpenAI's interface at {@code /serve/v1}: finds the deployment that a call names among its caller's own, and carries the call
 * to the worker that serves it and the answer back.
 *
 * <p>Entry class: {@code ServeServlet}. What a call may say, and what is answered to it, is the worker's to judge; what is
 * served at all, {@code io.octavo.api.deployment}'s.
 */
@NullMarked
package io.octavo.api.serve;

import org.jspecify.annotations.NullMarked;
