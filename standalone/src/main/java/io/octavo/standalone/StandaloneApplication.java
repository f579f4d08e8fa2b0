package io.octavo.standalone;

import io.octavo.api.ApiConfiguration;
import io.octavo.worker.WorkerConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import({ApiConfiguration.class, WorkerConfiguration.class})
class StandaloneApplication {}
