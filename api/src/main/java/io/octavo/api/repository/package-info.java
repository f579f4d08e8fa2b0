/**
 * Repositories: uploads, revisions and files.
 *
 * <p>Entry class: {@code RepositoryController}.
 */
@NullMarked
package io.octavo.api.repository;

import org.jspecify.annotations.NullMarked;
