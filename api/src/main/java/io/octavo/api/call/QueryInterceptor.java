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
import java.util.regex.Pattern;
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
import org.springframework.web.servlet.HandlerMapping;

/** Refuses parameters that a call does not know: a misspelt one would otherwise do what nobody asked for. */
@Component
@Order(Ordered.LOWEST_PRECEDENCE)
class QueryInterceptor implements HandlerInterceptor {

    /** Java's own reading takes a sign, zeros before and digits of other scripts. */
    private static final Pattern WHOLE = Pattern.compile("-?(0|[1-9][0-9]*)");

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        if (handler instanceof HandlerMethod method
                && request.getDispatcherType() == DispatcherType.REQUEST
                && isOfTheApi(request)) {
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
        if (values.size() > 1 && !isOf(Collection.class, parameter)) {
            throw new IllegalArgumentException("must not be given twice");
        }
        for (String value : values) {
            if (value.isEmpty()) {
                throw new IllegalArgumentException("must not be empty; leave it out");
            }
            if (isOf(Integer.class, parameter) && !WHOLE.matcher(value).matches()) {
                throw new IllegalArgumentException("'" + value + "' is no whole number in plain digits");
            }
            PlainText.Validator.fault(value, false).ifPresent(fault -> {
                throw new IllegalArgumentException(fault);
            });
        }
        return values;
    }

    private static boolean isOf(Class<?> type, Optional<MethodParameter> parameter) {
        return parameter
                .map(MethodParameter::getParameterType)
                .filter(type::isAssignableFrom)
                .isPresent();
    }
}
