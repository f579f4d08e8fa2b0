package io.octavo.api.call;

import io.octavo.api.problem.Problems;
import io.octavo.jobs.spec.PlainText;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.springframework.core.MethodParameter;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.HandlerMapping;

/**
 * Refuses parameters that a call does not know: a misspelt one would otherwise do what nobody asked for. Those that it knows,
 * and parts of its path, are spelled one way.
 */
@Component
@Order(Ordered.LOWEST_PRECEDENCE)
class QueryInterceptor implements HandlerInterceptor {

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        if (handler instanceof HandlerMethod method
                && request.getDispatcherType() == DispatcherType.REQUEST
                && isOfTheApi(request)) {
            requireSpelledPath(method, request);
            Map<String, Optional<MethodParameter>> known = known(method);
            request.getParameterMap()
                    .forEach((name, values) -> Problems.read(name, () -> checked(known, name, List.of(values))));
        }
        return true;
    }

    /** By what was found, not by how its path was spelled: {@code /%61pi/} is the api too. */
    private static boolean isOfTheApi(HttpServletRequest request) {
        return String.valueOf(request.getAttribute(HandlerMapping.BEST_MATCHING_PATTERN_ATTRIBUTE))
                .startsWith("/api/");
    }

    /** Parameters by name; nothing where the name alone chooses the call. */
    private static Map<String, Optional<MethodParameter>> known(HandlerMethod method) {
        Map<String, Optional<MethodParameter>> known = new LinkedHashMap<>();
        RequestMapping mapping = AnnotatedElementUtils.findMergedAnnotation(method.getMethod(), RequestMapping.class);
        Stream.ofNullable(mapping)
                .flatMap(found -> Stream.of(found.params()))
                .forEach(condition -> known.put(condition.replaceFirst("=.*", ""), Optional.empty()));
        for (MethodParameter parameter : method.getMethodParameters()) {
            RequestParam named = parameter.getParameterAnnotation(RequestParam.class);
            if (named != null) {
                String name = named.name().isEmpty() ? parameter.getParameter().getName() : named.name();
                known.put(name, Optional.of(parameter));
            }
        }
        return known;
    }

    private static List<String> checked(
            Map<String, Optional<MethodParameter>> known, String name, List<String> values) {
        Optional<MethodParameter> parameter = known.get(name);
        if (parameter == null) {
            throw new IllegalArgumentException(
                    "is not known here; known are " + (known.isEmpty() ? "none" : String.join(", ", known.keySet())));
        }
        boolean many = parameter
                .map(MethodParameter::getParameterType)
                .filter(Collection.class::isAssignableFrom)
                .isPresent();
        if (values.size() > 1 && !many) {
            throw new IllegalArgumentException("must not be given twice");
        }
        for (String value : values) {
            if (value.isEmpty()) {
                throw new IllegalArgumentException("must not be empty; leave it out");
            }
            parameter.map(MethodParameter::getParameterType).ifPresent(type -> requireSpelled(type, value));
            PlainText.Validator.fault(value, false).ifPresent(fault -> {
                throw new IllegalArgumentException(fault);
            });
        }
        return values;
    }

    private static String requireSpelled(Class<?> type, String value) {
        if (!Problems.isSpelled(type, value)) {
            throw new IllegalArgumentException("'" + value + "' " + Problems.mismatch(type));
        }
        return value;
    }

    private static void requireSpelledPath(HandlerMethod method, HttpServletRequest request) {
        if (request.getAttribute(HandlerMapping.URI_TEMPLATE_VARIABLES_ATTRIBUTE) instanceof Map<?, ?> path) {
            for (MethodParameter parameter : method.getMethodParameters()) {
                String name = parameter.getParameter().getName();
                if (parameter.hasParameterAnnotation(PathVariable.class) && path.get(name) instanceof String value) {
                    Problems.read(name, () -> requireSpelled(parameter.getParameterType(), value));
                }
            }
        }
    }
}
