package io.octavo.jobs.identity;

import java.util.UUID;

/** Names a tenant. Whoever takes one answers with what belongs to that tenant, as if nothing else existed. */
public record TenantId(UUID value) {

    /** The operator's own; also the only one where nobody made others. */
    public static final TenantId BUILT_IN = new TenantId(new UUID(0, 0));

    @Override
    public String toString() {
        return value.toString();
    }
}
