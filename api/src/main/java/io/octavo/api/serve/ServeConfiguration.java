package io.octavo.api.serve;

import io.octavo.jobs.deployment.Deployments;
import org.springframework.boot.web.servlet.ServletRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

@Configuration(proxyBeanMethods = false)
class ServeConfiguration {

    @Bean
    ServletRegistrationBean<ServeServlet> serveServlet(Deployments deployments, ServeProxy proxy, CallRoom room) {
        return new ServletRegistrationBean<>(new ServeServlet(deployments, proxy, room), ServeServlet.ROOT + "/*");
    }
}
