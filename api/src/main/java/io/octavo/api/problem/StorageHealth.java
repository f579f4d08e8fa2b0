package io.octavo.api.problem;

import io.octavo.jobs.blob.ObjectStore;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

/** Down while nothing can be stored for want of room; part of readiness, since another replica may have some. */
@Component("storage")
class StorageHealth implements HealthIndicator {

    private final ObjectStore objects;

    StorageHealth(ObjectStore objects) {
        this.objects = objects;
    }

    @Override
    public Health health() {
        return objects.isFull()
                ? Health.down().withDetail("code", "storage-full").build()
                : Health.up().build();
    }
}
