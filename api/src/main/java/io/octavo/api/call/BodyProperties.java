package io.octavo.api.call;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/** @param maxJsonBody longest body of a call that takes JSON; uploads of files are not limited */
@ConfigurationProperties("octavo.api")
public record BodyProperties(@DefaultValue("8MB") DataSize maxJsonBody) {}
