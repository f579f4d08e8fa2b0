/**
 * What a job should do, as sealed records that are its JSON, its limits and its documentation at once. They are read
 * strictly: unknown types, fields and names are refused.
 *
 * <p>Entry class: {@link io.octavo.jobs.spec.JobSpecReader}. Which schemes exist is asked of a
 * {@link io.octavo.jobs.spec.SchemeCatalog}; what a scheme means is left to the engine.
 */
@NullMarked
package io.octavo.jobs.spec;

import org.jspecify.annotations.NullMarked;
