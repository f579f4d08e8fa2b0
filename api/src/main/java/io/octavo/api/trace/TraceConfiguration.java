package io.octavo.api.trace;

import io.octavo.api.identity.Caller;
import io.opentelemetry.api.trace.Span;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.context.annotation.Configuration;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/** Adds to the span of each request whose it is. */
@Configuration(proxyBeanMethods = false)
class TraceConfiguration implements WebMvcConfigurer {

    @Override
    public void addInterceptors(InterceptorRegistry registry) {
        registry.addInterceptor(new HandlerInterceptor() {
            @Override
            public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
                if (request.getUserPrincipal() instanceof Caller caller) {
                    Span.current()
                            .setAttribute("octavo.tenant.id", caller.tenant().toString());
                }
                return true;
            }
        });
    }
}
