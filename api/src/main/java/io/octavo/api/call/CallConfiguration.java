package io.octavo.api.call;

import io.octavo.api.problem.Problems;
import io.octavo.jobs.spec.StrictValue;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;
import org.springframework.boot.jackson.autoconfigure.JsonMapperBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.MediaType;
import org.springframework.http.converter.AbstractHttpMessageConverter;
import org.springframework.http.converter.HttpMessageConverters;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.module.SimpleModule;

@Configuration(proxyBeanMethods = false)
class CallConfiguration implements WebMvcConfigurer {

    private final List<HandlerInterceptor> interceptors;

    CallConfiguration(List<HandlerInterceptor> interceptors) {
        this.interceptors = interceptors;
    }

    @Override
    public void addInterceptors(InterceptorRegistry registry) {
        interceptors.forEach(registry::addInterceptor);
    }

    /** What is ambiguous or not understood in a request is refused. */
    @Bean
    JsonMapperBuilderCustomizer strictJson() {
        return builder -> builder.enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .enable(
                        DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES,
                        DeserializationFeature.FAIL_ON_TRAILING_TOKENS,
                        DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
                .addModule(StrictValue.addNumbers(new SimpleModule())
                        .addDeserializer(
                                String.class,
                                new StrictValue<>(String.class, StrictValue.storable(Function.identity())))
                        .addDeserializer(
                                Instant.class,
                                new StrictValue<>(Instant.class, StrictValue.storable(CallConfiguration::instant)))
                        .addDeserializer(
                                UUID.class,
                                new StrictValue<>(UUID.class, StrictValue.storable(CallConfiguration::id))));
    }

    /** The library takes shorter ones, and Base64, as well. */
    private static UUID id(String text) {
        if (!Problems.isSpelled(UUID.class, text)) {
            throw new IllegalArgumentException("must be a UUID");
        }
        return UUID.fromString(text);
    }

    private static Instant instant(String text) {
        try {
            return Instant.parse(text);
        } catch (DateTimeParseException e) {
            throw new IllegalArgumentException("must be a time of RFC 3339 in UTC", e);
        }
    }

    /** What libraries bring along to write other formats is not for our answers. */
    @Override
    public void configureMessageConverters(HttpMessageConverters.ServerBuilder converters) {
        converters.configureMessageConvertersList(list ->
                list.removeIf(converter -> converter instanceof AbstractHttpMessageConverter<?> typed
                        && writesOther(typed.getSupportedMediaTypes())));
    }

    private static boolean writesOther(List<MediaType> types) {
        return types.stream()
                .map(MediaType::getSubtype)
                .anyMatch(subtype -> subtype.contains("xml")
                        || subtype.contains("yaml")
                        || subtype.contains("cbor")
                        || subtype.contains("smile"));
    }
}
