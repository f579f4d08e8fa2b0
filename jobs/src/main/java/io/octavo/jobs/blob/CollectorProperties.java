package io.octavo.jobs.blob;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * @param enabled whether this process collects
 * @param grace how long deleted things and bytes that nothing names stay; longer than any upload takes
 * @param period between two collections
 * @param jobAge after which jobs that have ended are deleted; never where it is unset
 * @param quota how much a tenant may store that has no quota of its own; anything where it is unset
 */
@ConfigurationProperties("octavo.collector")
public record CollectorProperties(
        @DefaultValue("true") boolean enabled,
        @DefaultValue("24h") Duration grace,
        @DefaultValue("1h") Duration period,
        @Nullable Duration jobAge,
        @Nullable DataSize quota) {

    public CollectorProperties {
        if (grace.isNegative() || grace.isZero() || period.isNegative() || period.isZero()) {
            throw new IllegalArgumentException("octavo.collector.grace and .period must be positive");
        }
    }
}
