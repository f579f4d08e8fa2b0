package io.octavo.worker.metrics;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * @param port to listen on, 0 for any free one; nothing listens when absent
 * @param address to listen at; the loopback one unless told
 */
@Validated
@ConfigurationProperties("octavo.worker.metrics")
public record MetricsProperties(
        @Nullable @Min(0) @Max(65535) Integer port,
        @NotBlank @DefaultValue("127.0.0.1") String address) {}
