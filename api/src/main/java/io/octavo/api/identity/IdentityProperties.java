package io.octavo.api.identity;

import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.Positive;
import java.net.URI;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * @param bootstrapKey the first key, with all scopes in the built-in tenant; {@code octavo key} draws one
 * @param bootstrapKeyFile a file that holds it, such as a mounted secret
 * @param oidc an identity provider whose tokens are taken beside keys
 * @param rate how often one caller may call
 */
@Validated
@ConfigurationProperties("octavo.identity")
public record IdentityProperties(
        @Nullable String bootstrapKey,
        @Nullable Path bootstrapKeyFile,
        @Nullable Oidc oidc,
        @DefaultValue Rate rate) {

    /**
     * @param issuer as tokens name it in {@code iss}
     * @param audience that must be among a token's {@code aud}
     * @param jwkSetUri where the issuer's keys are, where its discovery document does not tell
     * @param tenantClaim holds a tenant's name
     * @param scopeClaim holds scopes, as a list or separated by blanks; {@code octavo:read}, {@code octavo:submit} and
     *     {@code octavo:admin} count
     */
    public record Oidc(
            URI issuer,
            String audience,
            @Nullable URI jwkSetUri,
            @DefaultValue("tenant") String tenantClaim,
            @DefaultValue("scope") String scopeClaim) {}

    /**
     * @param perSecond calls in the long run, of one caller to one replica
     * @param burst calls at once after a pause
     */
    public record Rate(
            @Positive @DefaultValue("50") double perSecond,
            @Min(1) @DefaultValue("200") int burst) {}

    @Override
    public String toString() {
        return "IdentityProperties[oidc=" + oidc + ", rate=" + rate + "]";
    }
}
