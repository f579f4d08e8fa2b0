package io.octavo.api.identity;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.octavo.api.problem.Problems;
import io.octavo.jobs.identity.ApiKey;
import io.octavo.jobs.identity.ApiKeys;
import io.octavo.jobs.identity.IssuedKey;
import io.octavo.jobs.identity.Scope;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.identity.Tenants;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.TimeCursor;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.spec.PlainText;
import io.octavo.wire.Page;
import io.swagger.v3.oas.annotations.Operation;
import jakarta.validation.Valid;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Size;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1/keys")
class KeyController {

    private static final Duration LONGEST = Duration.ofDays(100 * 365);

    private final ApiKeys keys;
    private final Tenants tenants;

    KeyController(ApiKeys keys, Tenants tenants) {
        this.keys = keys;
        this.tenants = tenants;
    }

    /** The answer is the only one that ever holds the key's secret. */
    @Operation(operationId = "createKey", summary = "Makes an API key, which only this answer holds")
    @PostMapping
    @ResponseStatus(HttpStatus.CREATED)
    ResponseEntity<KeyView> issue(Caller caller, @Valid @RequestBody KeyRequest request) {
        Scope scope = Problems.read("scope", () -> Scope.parse(request.scope()));
        Problems.read("expiresAt", () -> checked(request.expiresAt()));
        IssuedKey issued =
                keys.issue(tenant(caller, request), request.name(), scope, request.expiresAt(), caller.getName());
        return ResponseEntity.created(URI.create("/api/v1/keys/" + issued.key().id()))
                .body(KeyView.of(issued.key(), issued.text().reveal()));
    }

    private static Optional<Instant> checked(@Nullable Instant expiresAt) {
        Instant now = Clock.systemUTC().instant();
        if (expiresAt != null && (!expiresAt.isAfter(now) || expiresAt.isAfter(now.plus(LONGEST)))) {
            throw new IllegalArgumentException("must lie ahead, by " + LONGEST.toDays() + " days at most");
        }
        return Optional.ofNullable(expiresAt);
    }

    /** Keys of other tenants are the operator's to make, who makes the tenants too. */
    private TenantId tenant(Caller caller, KeyRequest request) {
        if (request.tenant() == null || request.tenant().equals(caller.tenant().value())) {
            return caller.tenant();
        }
        TenantId other = new TenantId(request.tenant());
        if (!caller.isOperator() || tenants.find(other).isEmpty()) {
            throw new ProblemException(ProblemCode.TENANT_NOT_FOUND, "tenant " + other + " does not exist");
        }
        return other;
    }

    @Operation(operationId = "listKeys", summary = "Lists the tenant's API keys, the newest first")
    @GetMapping
    Page<KeyView> list(
            Caller caller,
            @RequestParam(required = false) @Nullable Integer limit,
            @RequestParam(required = false) @Nullable String cursor) {
        return keys.list(caller.tenant(), PageLimit.of(limit), TimeCursor.parse(cursor))
                .map(key -> KeyView.of(key, null));
    }

    @Operation(operationId = "revokeKey", summary = "Revokes an API key")
    @DeleteMapping("/{id}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void revoke(Caller caller, @PathVariable UUID id) {
        keys.revoke(caller.tenant(), id);
    }

    /** @param tenant whose key it will be; the caller's own, where it is absent */
    record KeyRequest(
            @NotBlank @Size(max = 128) @PlainText String name,

            @NotNull @PlainText String scope,
            @Nullable Instant expiresAt,
            @Nullable UUID tenant) {}

    /** @param key the whole key, for its holder to keep; only when it is made */
    record KeyView(
            UUID id,
            UUID tenant,
            String name,
            String prefix,
            String scope,
            String createdBy,
            Instant createdAt,
            @Nullable Instant expiresAt,
            @Nullable Instant revokedAt,
            @Nullable Instant lastUsedAt,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String key) {

        static KeyView of(ApiKey key, @Nullable String whole) {
            return new KeyView(
                    key.id(),
                    key.tenant().value(),
                    key.name(),
                    "octv_" + key.prefix(),
                    key.scope().slug(),
                    key.createdBy(),
                    key.createdAt(),
                    key.expiresAt(),
                    key.revokedAt(),
                    key.lastUsedAt(),
                    whole);
        }
    }
}
