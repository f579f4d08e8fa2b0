package io.octavo.worker;

import io.octavo.jobs.JobsConfiguration;
import io.octavo.worker.attempt.WorkDirectoryProperties;
import io.octavo.worker.claim.ApplicationEnd;
import io.octavo.worker.claim.ClaimProperties;
import io.octavo.worker.claim.ProcessEnd;
import io.octavo.worker.deploy.ServeProperties;
import io.octavo.worker.engine.DeviceProperties;
import io.octavo.worker.engine.EngineFactory;
import io.octavo.worker.engine.LocalEngineFactory;
import io.octavo.worker.metrics.MetricsProperties;
import io.octavo.worker.transfer.TransferProperties;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/** What an application that runs jobs imports. */
@Configuration(proxyBeanMethods = false)
@ComponentScan
@Import(JobsConfiguration.class)
@EnableConfigurationProperties({
    ClaimProperties.class,
    DeviceProperties.class,
    MetricsProperties.class,
    TransferProperties.class,
    ServeProperties.class,
    WorkDirectoryProperties.class
})
public class WorkerConfiguration {

    @Bean
    @ConditionalOnMissingBean
    EngineFactory engineFactory() {
        return new LocalEngineFactory();
    }

    @Bean
    @ConditionalOnMissingBean
    ProcessEnd processEnd(ApplicationContext application) {
        return new ApplicationEnd(application);
    }
}
