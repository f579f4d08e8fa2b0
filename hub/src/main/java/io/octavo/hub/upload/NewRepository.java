package io.octavo.hub.upload;

import org.jspecify.annotations.Nullable;

/**
 * A repository to make or to delete.
 *
 * @param organization its namespace; null for the caller's own
 * @param type {@code model}, which is what null means, is the only one that there is
 */
public record NewRepository(
        @Nullable String name,
        @Nullable String organization,
        @Nullable String type) {

    /** @param error where there is one of that name already */
    public record Answer(
            String url, String name, String id, @Nullable String error) {}
}
