package io.octavo.api.identity;

import io.octavo.jobs.identity.Tenant;
import io.octavo.jobs.identity.Tenants;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.TimeCursor;
import io.octavo.wire.Page;
import jakarta.validation.Valid;
import jakarta.validation.constraints.NotNull;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** The operator's calls: administrators of the built-in tenant. */
@RestController
@RequestMapping("/api/v1/tenants")
class TenantController {

    private final Tenants tenants;

    TenantController(Tenants tenants) {
        this.tenants = tenants;
    }

    @PostMapping
    @ResponseStatus(HttpStatus.CREATED)
    TenantView create(@Valid @RequestBody TenantRequest request) {
        return TenantView.of(tenants.create(request.name()));
    }

    @GetMapping
    Page<TenantView> list(
            @RequestParam(required = false) @Nullable Integer limit,
            @RequestParam(required = false) @Nullable String cursor) {
        return tenants.list(PageLimit.of(limit), TimeCursor.parse(cursor)).map(TenantView::of);
    }

    record TenantRequest(@NotNull String name) {}

    record TenantView(UUID id, String name, Instant createdAt) {

        static TenantView of(Tenant tenant) {
            return new TenantView(tenant.id().value(), tenant.name(), tenant.createdAt());
        }
    }
}
