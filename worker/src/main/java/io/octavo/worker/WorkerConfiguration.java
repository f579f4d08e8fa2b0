package io.octavo.worker;

import io.octavo.jobs.JobsConfiguration;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/** What an application that runs jobs imports. */
@Configuration(proxyBeanMethods = false)
@ComponentScan
@Import(JobsConfiguration.class)
@EnableConfigurationProperties(WorkerProperties.class)
public class WorkerConfiguration {}
