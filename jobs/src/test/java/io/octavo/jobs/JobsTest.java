package io.octavo.jobs;

import io.octavo.jobs.testing.EmbeddedServices;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/** A test of this module on real services; all such tests share one application context. */
@SpringBootTest(
        classes = JobsTest.Application.class,
        properties = {"octavo.queue.transient-backoff=1ms", "octavo.queue.max-attempts=3"})
public abstract class JobsTest {

    @DynamicPropertySource
    static void services(DynamicPropertyRegistry registry) {
        EmbeddedServices.register(registry);
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    @Import(JobsConfiguration.class)
    static class Application {}
}
