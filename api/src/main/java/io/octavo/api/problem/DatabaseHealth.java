package io.octavo.api.problem;

import io.octavo.jobs.DatabaseRoom;
import io.octavo.jobs.problem.ProblemCode;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

/** Down while the database can store nothing for want of room; part of readiness. */
@Component("database")
class DatabaseHealth implements HealthIndicator {

    private final DatabaseRoom room;

    DatabaseHealth(DatabaseRoom room) {
        this.room = room;
    }

    @Override
    public Health health() {
        return room.isFull()
                ? Health.down()
                        .withDetail("code", ProblemCode.DATABASE_FULL.slug())
                        .build()
                : Health.up().build();
    }
}
