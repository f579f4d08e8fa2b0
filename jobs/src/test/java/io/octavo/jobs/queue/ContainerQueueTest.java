package io.octavo.jobs.queue;

import io.octavo.jobs.testing.EmbeddedServices;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.testcontainers.junit.jupiter.Container;
import org.testcontainers.junit.jupiter.Testcontainers;
import org.testcontainers.postgresql.PostgreSQLContainer;

/** The queue on the PostgreSQL that operators run, where Docker is. */
@Testcontainers(disabledWithoutDocker = true)
class ContainerQueueTest extends AbstractQueueTest {

    @Container
    private static final PostgreSQLContainer POSTGRES = new PostgreSQLContainer("postgres:18");

    @DynamicPropertySource
    static void services(DynamicPropertyRegistry registry) {
        EmbeddedServices.registerStorage(registry);
        registry.add("octavo.database.url", POSTGRES::getJdbcUrl);
        registry.add("octavo.database.username", POSTGRES::getUsername);
        registry.add("octavo.database.password", POSTGRES::getPassword);
    }
}
