/**
 * The commands of those who run a service or administer a tenant: tenants, keys, webhooks, the audit log, workers.
 *
 * <p>Entry class: {@link io.octavo.cli.admin.TenantsCommand}. What users do with jobs and models is the parent's.
 */
@NullMarked
package io.octavo.cli.admin;

import org.jspecify.annotations.NullMarked;
