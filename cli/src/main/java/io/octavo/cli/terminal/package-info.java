/**
 * What a person sees while they wait: one live line on a terminal, a few plain lines elsewhere.
 *
 * <p>Entry class: {@link io.octavo.cli.terminal.LiveProgress}. What the lines say is left to those who call it.
 */
@NullMarked
package io.octavo.cli.terminal;

import org.jspecify.annotations.NullMarked;
