/**
 * What commands have in common: which server they ask, how they read their arguments and show what they were told.
 *
 * <p>Entry class: {@link io.octavo.cli.command.ServerCommand}.
 */
@NullMarked
package io.octavo.cli.command;

import org.jspecify.annotations.NullMarked;
