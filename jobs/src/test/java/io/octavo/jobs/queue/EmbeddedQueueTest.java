package io.octavo.jobs.queue;

import io.octavo.jobs.testing.EmbeddedServices;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/** The queue on the embedded PostgreSQL. */
class EmbeddedQueueTest extends AbstractQueueTest {

    @DynamicPropertySource
    static void services(DynamicPropertyRegistry registry) {
        EmbeddedServices.register(registry);
    }
}
