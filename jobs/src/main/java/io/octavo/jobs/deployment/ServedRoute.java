package io.octavo.jobs.deployment;

import io.octavo.wire.DeploymentState;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Where calls that name a model go.
 *
 * @param attempt that answers there
 * @param endpoint null unless it is ready
 */
public record ServedRoute(
        UUID id,
        String name,
        DeploymentState state,
        int attempt,
        @Nullable ServedEndpoint endpoint) {

    /** Of one that is ready. */
    public ServedEndpoint requireEndpoint() {
        return Objects.requireNonNull(endpoint);
    }
}
