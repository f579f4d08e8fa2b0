package io.octavo.jobs.blob;

import jakarta.validation.constraints.NotBlank;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;
import org.springframework.validation.annotation.Validated;

/**
 * @param endpoint of the S3 service, such as {@code https://s3.example.org}, or a folder of this machine, such as {@code
 *     file:///var/lib/octavo}, where api and worker are one process
 * @param bucket holds everything that this service stores; made at start if it is missing
 * @param partSize of multipart uploads; one upload holds two of them in memory
 * @param spare stays free on the disk of a folder
 */
@Validated
@ConfigurationProperties("octavo.storage")
public record StorageProperties(
        @NotBlank String endpoint,
        @DefaultValue("us-east-1") String region,
        @NotBlank @DefaultValue("octavo") String bucket,
        @DefaultValue("") String accessKey,
        @DefaultValue("") String secretKey,
        @DefaultValue("16MB") DataSize partSize,
        @DefaultValue("5s") Duration connectTimeout,
        @DefaultValue("60s") Duration readTimeout,
        @DefaultValue("256MB") DataSize spare) {

    private static final DataSize MIN_PART = DataSize.ofMegabytes(5);

    public StorageProperties {
        if (partSize.compareTo(MIN_PART) < 0) {
            throw new IllegalArgumentException("octavo.storage.part-size must be at least 5MB: " + partSize);
        }
    }

    /** What the endpoint names. */
    public ObjectStore open() {
        return endpoint.startsWith("file:")
                ? new FolderObjectStore(Path.of(URI.create(endpoint)), spare.toBytes())
                : new S3ObjectStore(this);
    }

    @Override
    public String toString() {
        return "StorageProperties[endpoint=" + endpoint + ", bucket=" + bucket + "]";
    }
}
