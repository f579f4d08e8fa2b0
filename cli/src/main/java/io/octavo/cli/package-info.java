/**
 * The octavo command: a REST client for people and scripts.
 */
@NullMarked
package io.octavo.cli;

import org.jspecify.annotations.NullMarked;
