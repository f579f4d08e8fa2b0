package io.octavo.api.identity;

import io.octavo.api.condition.Tagged;
import io.octavo.api.problem.Problems;
import io.octavo.hub.RepositoryName;
import io.octavo.jobs.identity.Namespaces;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.identity.Tenants;
import io.octavo.wire.Page;
import io.swagger.v3.oas.annotations.Operation;
import java.util.UUID;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** The operator's grants of namespaces. */
@RestController
@RequestMapping("/api/v1/tenants/{id}/namespaces")
class NamespaceController {

    private final Tenants tenants;
    private final Namespaces namespaces;

    NamespaceController(Tenants tenants, Namespaces namespaces) {
        this.tenants = tenants;
        this.namespaces = namespaces;
    }

    @Operation(operationId = "listNamespaces", summary = "Lists where a tenant may make repositories")
    @Tagged
    @GetMapping
    Page<String> list(@PathVariable UUID id) {
        return new Page<>(namespaces.list(tenant(id)), null);
    }

    @Operation(operationId = "grantNamespace", summary = "Lets a tenant make repositories in a namespace")
    @PutMapping("/{namespace}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void grant(@PathVariable UUID id, @PathVariable String namespace) {
        namespaces.grant(tenant(id), name(namespace));
    }

    @Operation(operationId = "revokeNamespace", summary = "Takes a namespace without repositories from a tenant")
    @DeleteMapping("/{namespace}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void revoke(@PathVariable UUID id, @PathVariable String namespace) {
        namespaces.revoke(tenant(id), name(namespace));
    }

    private TenantId tenant(UUID id) {
        return tenants.require(new TenantId(id)).id();
    }

    private static String name(String namespace) {
        return Problems.read("namespace", () -> RepositoryName.requireNamespace(namespace));
    }
}
