package io.octavo.api;

import io.octavo.api.call.BodyProperties;
import io.octavo.api.identity.IdentityProperties;
import io.octavo.api.job.StreamProperties;
import io.octavo.api.plan.PlanProperties;
import io.octavo.api.problem.ProblemValve;
import io.octavo.api.serve.ServeProperties;
import io.octavo.api.webhook.WebhookProperties;
import io.octavo.jobs.JobsConfiguration;
import org.apache.catalina.core.StandardHost;
import org.apache.tomcat.util.buf.EncodedSolidusHandling;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.tomcat.ConfigurableTomcatWebServerFactory;
import org.springframework.boot.tomcat.TomcatConnectorCustomizer;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.PropertySource;

/** What an application that serves the REST interface imports. */
@Configuration(proxyBeanMethods = false)
@ComponentScan
@Import(JobsConfiguration.class)
@PropertySource("classpath:octavo-api.properties")
@EnableConfigurationProperties({
    BodyProperties.class,
    IdentityProperties.class,
    PlanProperties.class,
    ServeProperties.class,
    StreamProperties.class,
    WebhookProperties.class
})
public class ApiConfiguration {

    /** What the server refuses before we see it looks like what we refuse. */
    @Bean
    WebServerFactoryCustomizer<ConfigurableTomcatWebServerFactory> problemsOfTheServer() {
        return factory -> factory.addContextCustomizers(context -> {
            if (context.getParent() instanceof StandardHost host) {
                host.setErrorReportValveClass(ProblemValve.class.getName());
            }
        });
    }

    /** An encoded slash reaches us, so that it is judged as what it stands for. */
    @Bean
    TomcatConnectorCustomizer encodedSlashesReachUs() {
        return connector -> connector.setEncodedSolidusHandling(EncodedSolidusHandling.DECODE.getValue());
    }
}
