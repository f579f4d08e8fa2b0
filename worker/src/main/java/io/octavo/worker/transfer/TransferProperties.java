package io.octavo.worker.transfer;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/** @param transfers how many files of a job are brought or stored at once */
@Validated
@ConfigurationProperties("octavo.worker")
public record TransferProperties(
        @Min(1) @Max(64) @DefaultValue("4") int transfers) {}
