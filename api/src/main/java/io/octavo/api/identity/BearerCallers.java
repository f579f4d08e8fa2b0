package io.octavo.api.identity;

import io.octavo.jobs.identity.ApiKey;
import io.octavo.jobs.identity.ApiKeys;
import org.springframework.dao.DataAccessException;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.security.core.Authentication;
import org.springframework.security.oauth2.server.resource.InvalidBearerTokenException;
import org.springframework.security.oauth2.server.resource.authentication.BearerTokenAuthenticationToken;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;

/** Finds the caller of a bearer token: one of our keys, or a token of the identity provider. */
@Component
class BearerCallers implements AuthenticationManager {

    private static final String KEY = "octv_";

    private final ApiKeys keys;
    private final TokenCallers tokens;

    BearerCallers(ApiKeys keys, TokenCallers tokens) {
        this.keys = keys;
        this.tokens = tokens;
    }

    @Override
    public Authentication authenticate(Authentication presented) {
        String token = ((BearerTokenAuthenticationToken) presented).getToken();
        try {
            return token.startsWith(KEY) ? byKey(token) : tokens.authenticate(token);
        } catch (DataAccessException | TransactionException e) {
            throw IdentityUnavailableException.ofDatabase(e);
        }
    }

    private Caller byKey(String token) {
        ApiKey key = keys.authenticate(token)
                .orElseThrow(() ->
                        new InvalidBearerTokenException("the API key is unknown, or was revoked, or has expired"));
        return new Caller(key.tenant(), "key:octv_" + key.prefix(), key.scope());
    }
}
