/**
 * Webhooks: what happens to jobs goes out to URLs that tenants name, by the rules of Standard Webhooks. Deliveries are
 * written beside the change that they tell of, and sent afterwards, at least once.
 *
 * <p>Entry class: {@link io.octavo.jobs.webhook.Webhooks}. The api sends them.
 */
@NullMarked
package io.octavo.jobs.webhook;

import org.jspecify.annotations.NullMarked;
