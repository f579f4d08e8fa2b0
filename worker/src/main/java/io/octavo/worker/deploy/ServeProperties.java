package io.octavo.worker.deploy;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How deployments of this worker are reached.
 *
 * @param bind the address that they listen on, each at a free port
 * @param advertise the host by which api processes reach that address; the address itself where it is absent
 * @param report how often the service is told how they do
 */
@ConfigurationProperties("octavo.worker.serve")
public record ServeProperties(
        @DefaultValue("127.0.0.1") String bind,
        @Nullable String advertise,
        @DefaultValue("2s") Duration report) {

    String host() {
        return advertise == null || advertise.isBlank() ? bind : advertise;
    }
}
