/**
 * Members of quantization configs, read one by one: what is not understood is refused.
 *
 * <p>Entry class: {@link io.octavo.engine.layout.config.StrictObject}.
 */
@NullMarked
package io.octavo.engine.layout.config;

import org.jspecify.annotations.NullMarked;
