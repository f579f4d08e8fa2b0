package io.octavo.jobs;

import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * @param url of PostgreSQL, {@code jdbc:postgresql://host:5432/octavo}
 * @param poolSize connections at most; one of them listens for jobs
 * @param answerTimeout how long to wait for the database's answer before the connection counts as broken; migrations wait
 *     as long as they need
 * @param idleTransactionTimeout after which the database ends a transaction whose process stands still, so that a frozen
 *     process holds no locks
 */
@Validated
@ConfigurationProperties("octavo.database")
public record DatabaseProperties(
        @NotBlank String url,
        @DefaultValue("postgres") String username,
        @DefaultValue("") String password,
        @Min(3) @DefaultValue("10") int poolSize,
        @DefaultValue("20s") Duration answerTimeout,
        @DefaultValue("5s") Duration idleTransactionTimeout) {

    @Override
    public String toString() {
        return "DatabaseProperties[username=" + username + ", poolSize=" + poolSize + "]";
    }
}
