package io.octavo.jobs.source;

import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.spec.SourceUri;
import java.util.List;
import java.util.UUID;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * What of the world outside jobs may name as a source.
 *
 * @param buckets none by default: the service's credentials may reach more than its users should
 */
@ConfigurationProperties("octavo.sources")
public record SourceProperties(@DefaultValue List<AllowedBucket> buckets) {

    public SourceProperties {
        buckets = List.copyOf(buckets);
    }

    /**
     * @param uri {@code s3://bucket} or {@code s3://bucket/prefix}; a prefix allows itself and what is below it
     * @param tenants ids of those who may read it; everybody, where it is empty
     */
    public record AllowedBucket(String uri, @DefaultValue List<UUID> tenants) {

        public AllowedBucket {
            tenants = List.copyOf(tenants);
            if (!(SourceUri.parse(uri) instanceof SourceUri.S3)) {
                throw new IllegalArgumentException("octavo.sources.buckets: not an s3:// URI: " + uri);
            }
        }

        boolean allows(TenantId tenant, SourceUri.S3 source) {
            var allowed = (SourceUri.S3) SourceUri.parse(uri);
            return (tenants.isEmpty() || tenants.contains(tenant.value()))
                    && source.bucket().equals(allowed.bucket())
                    && (allowed.key().isEmpty()
                            || source.key().equals(allowed.key())
                            || source.key().startsWith(allowed.key() + "/"));
        }
    }
}
