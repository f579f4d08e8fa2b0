/**
 * What the spans of requests say beside what the framework knows of them.
 *
 * <p>Entry class: {@code TraceConfiguration}.
 */
@NullMarked
package io.octavo.api.trace;

import org.jspecify.annotations.NullMarked;
