/**
 * The engine as the worker sees it: how to open one, and what it can write.
 *
 * <p>Entry class: {@link io.octavo.worker.engine.EngineFactory}.
 */
@NullMarked
package io.octavo.worker.engine;

import org.jspecify.annotations.NullMarked;
