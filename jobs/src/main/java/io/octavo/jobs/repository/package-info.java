/**
 * Repositories of models and data: immutable revisions, each a list of paths over content-addressed blobs.
 *
 * <p>Entry class: {@link io.octavo.jobs.repository.RepositoryService}.
 */
@NullMarked
package io.octavo.jobs.repository;

import org.jspecify.annotations.NullMarked;
