package io.octavo.jobs.identity;

import java.util.UUID;

/** Names a tenant. Whoever takes one answers with what belongs to that tenant, as if nothing else existed. */
public record TenantId(UUID value) {

    /** The operator's own; also the only one where nobody made others. */
    public static final TenantId BUILT_IN = new TenantId(new UUID(0, 0));

    public static TenantId parse(String text) {
        UUID value = UUID.fromString(text);
        if (!value.toString().equalsIgnoreCase(text)) {
            throw new IllegalArgumentException("a tenant's id looks like 123e4567-e89b-12d3-a456-426614174000");
        }
        return new TenantId(value);
    }

    @Override
    public String toString() {
        return value.toString();
    }
}
