/**
 * The REST contract as the command sees it: typed records and one client for them.
 *
 * <p>Entry class: {@link io.octavo.cli.client.OctavoClient}. Calls time out, and those that may be repeated are repeated
 * with backoff. What a person reads is left to the commands; moving whole folders is left to {@code cli.transfer}.
 */
@NullMarked
package io.octavo.cli.client;

import org.jspecify.annotations.NullMarked;
