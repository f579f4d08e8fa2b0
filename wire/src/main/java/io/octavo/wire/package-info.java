/**
 * What goes over the wire between the service and its clients, once for both: jobs, deployments, events, pages, revisions.
 *
 * <p>Entry class: {@link io.octavo.wire.JobView}. How a job is asked for is the job specs' to say; what these records are
 * made of is left to the service, and what is shown of them to its clients.
 */
@NullMarked
package io.octavo.wire;

import org.jspecify.annotations.NullMarked;
