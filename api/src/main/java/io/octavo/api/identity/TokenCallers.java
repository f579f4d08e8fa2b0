package io.octavo.api.identity;

import io.octavo.jobs.identity.Scope;
import io.octavo.jobs.identity.Tenant;
import io.octavo.jobs.identity.Tenants;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.security.oauth2.core.OAuth2TokenValidator;
import org.springframework.security.oauth2.jwt.BadJwtException;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtClaimNames;
import org.springframework.security.oauth2.jwt.JwtClaimValidator;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtDecoderInitializationException;
import org.springframework.security.oauth2.jwt.JwtException;
import org.springframework.security.oauth2.jwt.JwtIssuerValidator;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.oauth2.jwt.SupplierJwtDecoder;
import org.springframework.security.oauth2.server.resource.InvalidBearerTokenException;
import org.springframework.stereotype.Component;

/** Callers by tokens of the operator's identity provider, where there is one. */
@Component
class TokenCallers {

    private static final String SCOPE_PREFIX = "octavo:";

    private final Tenants tenants;
    private final IdentityProperties.@Nullable Oidc oidc;
    private final @Nullable JwtDecoder decoder;

    TokenCallers(Tenants tenants, IdentityProperties properties) {
        this.tenants = tenants;
        this.oidc = properties.oidc();
        // The provider is asked when the first token comes, so that we start without it.
        this.decoder = oidc == null ? null : new SupplierJwtDecoder(() -> decoder(oidc));
    }

    private static NimbusJwtDecoder decoder(IdentityProperties.Oidc oidc) {
        NimbusJwtDecoder decoder = oidc.jwkSetUri() == null
                ? NimbusJwtDecoder.withIssuerLocation(oidc.issuer().toString()).build()
                : NimbusJwtDecoder.withJwkSetUri(oidc.jwkSetUri().toString()).build();
        OAuth2TokenValidator<Jwt> audience = new JwtClaimValidator<Collection<String>>(
                JwtClaimNames.AUD, audiences -> audiences != null && audiences.contains(oidc.audience()));
        decoder.setJwtValidator(JwtValidators.createDefaultWithValidators(
                List.of(new JwtIssuerValidator(oidc.issuer().toString()), audience)));
        return decoder;
    }

    /**
     * @throws InvalidBearerTokenException if the token is not good for any tenant
     * @throws IdentityUnavailableException if the provider's keys cannot be had
     */
    Caller authenticate(String token) {
        if (oidc == null || decoder == null) {
            throw new InvalidBearerTokenException("the bearer token is no key of this service");
        }
        try {
            return caller(decoder.decode(token), oidc);
        } catch (BadJwtException e) {
            throw new InvalidBearerTokenException("the token was not accepted", e);
        } catch (JwtException | JwtDecoderInitializationException e) {
            throw IdentityUnavailableException.ofProvider(e);
        }
    }

    private Caller caller(Jwt token, IdentityProperties.Oidc oidc) {
        Tenant tenant = Optional.ofNullable(token.getClaimAsString(oidc.tenantClaim()))
                .flatMap(tenants::find)
                .orElseThrow(() -> new InvalidBearerTokenException("the token names no tenant of this service"));
        Scope scope = scopes(token, oidc.scopeClaim())
                .filter(text -> text.startsWith(SCOPE_PREFIX))
                .map(text -> Scope.find(text.substring(SCOPE_PREFIX.length())))
                .flatMap(Optional::stream)
                .max(Comparator.naturalOrder())
                .orElseThrow(() -> new InvalidBearerTokenException("the token has no scope of this service"));
        return new Caller(tenant.id(), "user:" + Objects.requireNonNullElse(token.getSubject(), "unknown"), scope);
    }

    private static Stream<String> scopes(Jwt token, String claim) {
        Object value = token.getClaim(claim);
        return switch (value) {
            case String text -> Arrays.stream(text.split(" ", -1));
            case List<?> list -> list.stream().filter(String.class::isInstance).map(String.class::cast);
            case null, default -> Stream.empty();
        };
    }
}
