package io.octavo.api.identity;

import io.octavo.jobs.identity.Scope;
import io.octavo.jobs.identity.TenantId;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AbstractAuthenticationToken;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.core.authority.SimpleGrantedAuthority;

/** Whose request it is; a controller that names it as a parameter is handed it. */
public final class Caller extends AbstractAuthenticationToken {

    private static final long serialVersionUID = 1L;

    /** What only administrators of the built-in tenant have. */
    static final String OPERATOR = "OPERATOR";

    private final transient TenantId tenant;
    private final String name;
    private final Scope scope;

    /** @param name such as {@code key:octv_0123456789ab} or {@code user:alice} */
    Caller(TenantId tenant, String name, Scope scope) {
        super(authorities(tenant, scope));
        this.tenant = tenant;
        this.name = name;
        this.scope = scope;
        setAuthenticated(true);
    }

    private static List<GrantedAuthority> authorities(TenantId tenant, Scope scope) {
        Stream<String> scopes =
                Arrays.stream(Scope.values()).filter(scope::includes).map(Caller::authority);
        boolean operator = scope == Scope.ADMIN && tenant.equals(TenantId.BUILT_IN);
        return Stream.concat(scopes, operator ? Stream.of(OPERATOR) : Stream.empty())
                .<GrantedAuthority>map(SimpleGrantedAuthority::new)
                .toList();
    }

    static String authority(Scope scope) {
        return "SCOPE_" + scope.slug();
    }

    /** Nothing outside of it exists for this request. */
    public TenantId tenant() {
        return tenant;
    }

    public boolean may(Scope wanted) {
        return scope.includes(wanted);
    }

    public boolean isOperator() {
        return scope == Scope.ADMIN && tenant.equals(TenantId.BUILT_IN);
    }

    @Override
    public String getName() {
        return name;
    }

    @Override
    public Object getPrincipal() {
        return name;
    }

    @Override
    public @Nullable Object getCredentials() {
        return null;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Caller caller
                && tenant.equals(caller.tenant)
                && name.equals(caller.name)
                && scope == caller.scope;
    }

    @Override
    public int hashCode() {
        return name.hashCode();
    }
}
