package io.octavo.jobs;

import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * @param url of PostgreSQL, {@code jdbc:postgresql://host:5432/octavo}
 * @param poolSize connections at most; one of them listens for jobs
 */
@Validated
@ConfigurationProperties("octavo.database")
public record DatabaseProperties(
        @NotBlank String url,
        @DefaultValue("postgres") String username,
        @DefaultValue("") String password,
        @Min(3) @DefaultValue("10") int poolSize) {

    @Override
    public String toString() {
        return "DatabaseProperties[username=" + username + ", poolSize=" + poolSize + "]";
    }
}
