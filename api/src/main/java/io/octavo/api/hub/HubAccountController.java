package io.octavo.api.hub;

import io.octavo.api.audit.ChangesNothing;
import io.octavo.api.identity.Caller;
import io.octavo.hub.model.Account;
import io.octavo.hub.model.Account.Organization;
import io.octavo.jobs.identity.Namespaces;
import io.octavo.jobs.identity.Scope;
import io.octavo.jobs.identity.Tenant;
import io.octavo.jobs.identity.Tenants;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

@RestController
class HubAccountController {

    private final Tenants tenants;
    private final Namespaces namespaces;

    HubAccountController(Tenants tenants, Namespaces namespaces) {
        this.tenants = tenants;
        this.namespaces = namespaces;
    }

    /** A tenant is a user whose name is the tenant's; its other namespaces are organizations of that user. */
    @GetMapping("/hub/api/whoami-v2")
    Account account(Caller caller) {
        Tenant tenant = tenants.require(caller.tenant());
        List<Organization> others = namespaces.list(caller.tenant()).stream()
                .filter(namespace -> !namespace.equals(tenant.name()))
                .map(Organization::new)
                .toList();
        String role = caller.may(Scope.SUBMIT) ? "write" : "read";
        return new Account(
                "user",
                tenant.id().toString(),
                tenant.name(),
                tenant.name(),
                others,
                new Account.Auth("access_token", new Account.AccessToken(caller.getName(), role)));
    }

    /** Whether a card may be uploaded; asked before anything is. */
    @ChangesNothing
    @PostMapping("/hub/api/validate-yaml")
    ResponseEntity<CardCheck> validate(@RequestBody Card card) {
        CardCheck check = CardCheck.of(card.content());
        return ResponseEntity.status(check.errors().isEmpty() ? HttpStatus.OK : HttpStatus.BAD_REQUEST)
                .body(check);
    }

    record Card(@Nullable String content) {}
}
