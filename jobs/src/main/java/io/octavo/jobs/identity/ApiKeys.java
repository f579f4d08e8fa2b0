package io.octavo.jobs.identity;

import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.TimeCursor;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.wire.Page;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/** API keys: issued once, looked up by prefix, compared by hash. */
@Service
@Transactional
public class ApiKeys {

    private static final byte[] NO_HASH = new byte[32];

    private final ApiKeyStore keys;

    ApiKeys(ApiKeyStore keys) {
        this.keys = keys;
    }

    /** @param expiresAt never, where it is absent */
    public IssuedKey issue(TenantId tenant, String name, Scope scope, @Nullable Instant expiresAt, String createdBy) {
        UUID id = UUID.randomUUID();
        KeyText text = KeyText.draw();
        if (!keys.insert(id, tenant, name, text, scope, expiresAt, createdBy)) {
            throw new IllegalStateException("48 random bits were drawn twice");
        }
        return new IssuedKey(keys.find(tenant, id).orElseThrow(), text);
    }

    /** Makes a key of the built-in tenant with all scopes usable, unless it was there before; a revoked one stays so. */
    public void admit(KeyText text, String createdBy) {
        keys.insert(UUID.randomUUID(), TenantId.BUILT_IN, createdBy, text, Scope.ADMIN, null, createdBy);
    }

    /** The key, if it is one of ours, neither revoked nor expired. Takes as long for a wrong secret as for a right one. */
    public Optional<ApiKey> authenticate(String presented) {
        Optional<KeyText> text = KeyText.parse(presented);
        if (text.isEmpty()) {
            return Optional.empty();
        }
        Optional<ApiKeyStore.StoredKey> stored = keys.findUsable(text.get().prefix());
        byte[] expected = stored.map(ApiKeyStore.StoredKey::secretSha256).orElse(NO_HASH);
        if (!MessageDigest.isEqual(expected, text.get().secretSha256())) {
            return Optional.empty();
        }
        stored.filter(ApiKeyStore.StoredKey::unmarked)
                .ifPresent(key -> keys.markUsed(key.key().id()));
        return stored.map(ApiKeyStore.StoredKey::key);
    }

    /** Newest first, revoked and expired ones too. */
    @Transactional(readOnly = true)
    public Page<ApiKey> list(TenantId tenant, PageLimit limit, TimeCursor cursor) {
        return Page.of(
                keys.page(tenant, cursor, limit.probe()),
                limit.value(),
                key -> new TimeCursor(key.createdAt(), key.id()).toString());
    }

    /** From the next request on; revoking a revoked key changes nothing. */
    public void revoke(TenantId tenant, UUID id) {
        if (!keys.revoke(tenant, id)) {
            throw new ProblemException(ProblemCode.KEY_NOT_FOUND, "key " + id + " does not exist");
        }
    }
}
