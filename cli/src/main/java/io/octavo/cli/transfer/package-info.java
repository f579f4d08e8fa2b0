/**
 * Whole folders into and out of the service: hashed, resumed and verified.
 *
 * <p>Entry classes: {@link io.octavo.cli.transfer.RepositoryPush} and {@link io.octavo.cli.transfer.RepositoryPull}. A
 * server's file list is hostile input until {@link io.octavo.cli.transfer.LocalFolder} has accepted it. Single calls are
 * left to {@code cli.client}.
 */
@NullMarked
package io.octavo.cli.transfer;

import org.jspecify.annotations.NullMarked;
