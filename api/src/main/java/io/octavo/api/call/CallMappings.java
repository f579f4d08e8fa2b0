package io.octavo.api.call;

import io.octavo.api.condition.ConditionalCalls;
import io.octavo.jobs.change.GuardedChange;
import java.lang.reflect.Method;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.boot.webmvc.autoconfigure.WebMvcRegistrations;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.web.servlet.mvc.method.RequestMappingInfo;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerAdapter;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import tools.jackson.databind.json.JsonMapper;

/** Which calls there are, and who makes them. */
@Configuration(proxyBeanMethods = false)
class CallMappings {

    @Bean
    WebMvcRegistrations calls(
            @Qualifier("requestMappingHandlerMapping") ObjectProvider<RequestMappingHandlerMapping> mapping,
            ObjectProvider<GuardedChange> changes,
            ObjectProvider<JsonMapper> json) {
        return new WebMvcRegistrations() {
            @Override
            public RequestMappingHandlerMapping getRequestMappingHandlerMapping() {
                return new WithoutYaml();
            }

            @Override
            public RequestMappingHandlerAdapter getRequestMappingHandlerAdapter() {
                return new ConditionalCalls(mapping::getObject, changes::getObject, json::getObject);
            }
        };
    }

    /** The generator would answer its document as YAML, too, which nothing else here speaks. */
    private static final class WithoutYaml extends RequestMappingHandlerMapping {

        @Override
        protected @Nullable RequestMappingInfo getMappingForMethod(Method method, Class<?> handlerType) {
            RequestMappingInfo found = super.getMappingForMethod(method, handlerType);
            return found != null && found.getPatternValues().stream().anyMatch(path -> path.endsWith(".yaml"))
                    ? null
                    : found;
        }
    }
}
