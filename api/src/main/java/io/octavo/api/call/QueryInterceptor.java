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
import java.util.Objects;
import java.util.stream.Stream;
import org.springframework.core.MethodParameter;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;

/** Refuses parameters that a call does not know: a misspelt one would otherwise do what nobody asked for. */
@Component
@Order(Ordered.LOWEST_PRECEDENCE)
class QueryInterceptor implements HandlerInterceptor {

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        if (handler instanceof HandlerMethod method
                && request.getDispatcherType() == DispatcherType.REQUEST
                && request.getRequestURI().startsWith("/api/")) {
            Map<String, Boolean> known = known(method);
            request.getParameterMap()
                    .forEach((name, values) -> Problems.read(name, () -> checked(known, name, List.of(values))));
        }
        return true;
    }

    /** Names of parameters, and whether each may be given more than once. */
    private static Map<String, Boolean> known(HandlerMethod method) {
        Map<String, Boolean> known = new LinkedHashMap<>();
        RequestMapping mapping = AnnotatedElementUtils.findMergedAnnotation(method.getMethod(), RequestMapping.class);
        Stream.ofNullable(mapping)
                .flatMap(found -> Stream.of(found.params()))
                .forEach(condition -> known.put(condition.replaceFirst("=.*", ""), false));
        for (MethodParameter parameter : method.getMethodParameters()) {
            RequestParam named = parameter.getParameterAnnotation(RequestParam.class);
            if (named != null) {
                String name = named.name().isEmpty() ? parameter.getParameter().getName() : named.name();
                known.put(name, Collection.class.isAssignableFrom(parameter.getParameterType()));
            }
        }
        return known;
    }

    private static List<String> checked(Map<String, Boolean> known, String name, List<String> values) {
        if (!known.containsKey(name)) {
            throw new IllegalArgumentException(
                    "is not known here; known are " + (known.isEmpty() ? "none" : String.join(", ", known.keySet())));
        }
        if (values.size() > 1 && !Objects.requireNonNull(known.get(name))) {
            throw new IllegalArgumentException("must not be given twice");
        }
        for (String value : values) {
            if (value.isEmpty()) {
                throw new IllegalArgumentException("must not be empty; leave it out");
            }
            PlainText.Validator.fault(value, false).ifPresent(fault -> {
                throw new IllegalArgumentException(fault);
            });
        }
        return values;
    }
}
