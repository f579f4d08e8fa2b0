package io.octavo.jobs;

import io.octavo.jobs.queue.JobQueue;
import io.octavo.jobs.queue.JobService;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.jdbc.core.simple.JdbcClient;

/** A test of this module on real services, which its subclasses name. */
@SpringBootTest(
        classes = JobsTest.Application.class,
        properties = {"octavo.queue.transient-backoff=1ms", "octavo.queue.max-attempts=3", "octavo.queue.sweep=1h"})
public abstract class JobsTest {

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    @Import(JobsConfiguration.class)
    static class Application {}

    @Autowired
    protected JobService service;

    @Autowired
    protected JobQueue queue;

    @Autowired
    protected JdbcClient sql;
}
