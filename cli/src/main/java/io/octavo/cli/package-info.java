/**
 * The octavo command: a REST client for people and scripts.
 *
 * <p>Entry class: {@link io.octavo.cli.OctavoCommand}. Each command is one class that reads its options, calls the
 * client and prints; what they share is in {@code command}. What runs the service itself ({@code up}, {@code demo}) is added by the {@code standalone} module.
 */
@NullMarked
package io.octavo.cli;

import org.jspecify.annotations.NullMarked;
