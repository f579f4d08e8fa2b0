package io.octavo.api;

import io.octavo.api.identity.IdentityProperties;
import io.octavo.api.job.StreamProperties;
import io.octavo.api.plan.PlanProperties;
import io.octavo.api.problem.BodyProperties;
import io.octavo.api.problem.ProblemValve;
import io.octavo.api.webhook.WebhookProperties;
import io.octavo.jobs.JobsConfiguration;
import org.apache.catalina.core.StandardHost;
import org.apache.tomcat.util.buf.EncodedSolidusHandling;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.jackson.autoconfigure.JsonMapperBuilderCustomizer;
import org.springframework.boot.tomcat.ConfigurableTomcatWebServerFactory;
import org.springframework.boot.tomcat.TomcatConnectorCustomizer;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.PropertySource;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;

/** What an application that serves the REST interface imports. */
@Configuration(proxyBeanMethods = false)
@ComponentScan
@Import(JobsConfiguration.class)
@PropertySource("classpath:octavo-api.properties")
@EnableConfigurationProperties({
    BodyProperties.class,
    IdentityProperties.class,
    PlanProperties.class,
    StreamProperties.class,
    WebhookProperties.class
})
public class ApiConfiguration {

    /** What is ambiguous or not understood in a request is refused. */
    @Bean
    JsonMapperBuilderCustomizer strictJson() {
        return builder -> builder.enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .enable(
                        DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES,
                        DeserializationFeature.FAIL_ON_TRAILING_TOKENS,
                        DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES);
    }

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
