package io.octavo.api.identity;

import io.octavo.api.condition.Tagged;
import io.octavo.jobs.deletion.Deletions;
import io.octavo.jobs.identity.Tenant;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.identity.Tenants;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.SearchText;
import io.octavo.jobs.page.TimeCursor;
import io.octavo.jobs.spec.PlainText;
import io.octavo.jobs.spec.StatedNumber;
import io.octavo.wire.Page;
import io.swagger.v3.oas.annotations.Operation;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.annotation.JsonDeserialize;

/** The operator's calls: administrators of the built-in tenant. */
@RestController
@RequestMapping("/api/v1/tenants")
class TenantController {

    private final Tenants tenants;
    private final Deletions deletions;

    TenantController(Tenants tenants, Deletions deletions) {
        this.tenants = tenants;
        this.deletions = deletions;
    }

    @Operation(operationId = "createTenant", summary = "Makes a tenant")
    @PostMapping
    @ResponseStatus(HttpStatus.CREATED)
    TenantView create(@Valid @RequestBody TenantRequest request) {
        return TenantView.of(tenants.create(request.name()));
    }

    @Operation(operationId = "listTenants", summary = "Lists tenants, the newest first")
    @GetMapping
    Page<TenantView> list(
            @RequestParam(required = false) @Nullable String search,
            @RequestParam(required = false) @Nullable Integer limit,
            @RequestParam(required = false) @Nullable String cursor) {
        return tenants.list(SearchText.of(search), PageLimit.of(limit), TimeCursor.parse(cursor))
                .map(TenantView::of);
    }

    @Operation(operationId = "getTenant", summary = "Shows what a tenant uses and may use")
    @Tagged
    @GetMapping("/{id}")
    TenantUse get(@PathVariable UUID id) {
        return use(tenants.require(new TenantId(id)));
    }

    @Operation(operationId = "setTenantQuota", summary = "Limits what a tenant may store")
    @PutMapping("/{id}/quota")
    TenantUse limit(@PathVariable UUID id, @Valid @RequestBody Quota quota) {
        return use(tenants.limit(new TenantId(id), quota.maxBytes()));
    }

    private TenantUse use(Tenant tenant) {
        return new TenantUse(
                tenant.id().value(),
                tenant.name(),
                tenant.createdAt(),
                tenant.maxBytes(),
                tenants.usedBytes(tenant.id()));
    }

    @Operation(operationId = "deleteTenant", summary = "Deletes a tenant with all that it has")
    @DeleteMapping("/{id}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void delete(@PathVariable UUID id) {
        deletions.tenant(new TenantId(id));
    }

    record TenantRequest(@NotNull @PlainText String name) {}

    /** @param maxBytes null for the service's default */
    record Quota(
            @JsonDeserialize(using = StatedNumber.class) @Nullable @Min(0) Long maxBytes) {}

    /** @param maxBytes absent where the service's default holds */
    record TenantUse(
            UUID id,
            String name,
            Instant createdAt,
            @Nullable Long maxBytes,
            long usedBytes) {}

    record TenantView(UUID id, String name, Instant createdAt) {

        static TenantView of(Tenant tenant) {
            return new TenantView(tenant.id().value(), tenant.name(), tenant.createdAt());
        }
    }
}
