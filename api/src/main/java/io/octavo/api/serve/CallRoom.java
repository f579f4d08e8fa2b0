package io.octavo.api.serve;

import io.octavo.jobs.identity.TenantId;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.stereotype.Component;

/** How many calls of a tenant are on their way in this process. */
@Component
class CallRoom {

    private final Map<TenantId, Integer> perTenant = new ConcurrentHashMap<>();
    private final int most;

    CallRoom(ServeProperties properties) {
        this.most = properties.callsPerTenant();
    }

    /** Given back by whoever closes it. */
    interface Place extends AutoCloseable {
        @Override
        void close();
    }

    /** @throws ServeException {@code rate_limit_exceeded} if there are as many as may */
    Place enter(TenantId tenant) {
        Place place = () -> perTenant.computeIfPresent(tenant, (key, count) -> count == 1 ? null : count - 1);
        if (perTenant.merge(tenant, 1, Integer::sum) > most) {
            place.close();
            throw new ServeException(
                    429, "rate_limit_exceeded", null, "the tenant has " + most + " calls on their way; let one end");
        }
        return place;
    }
}
