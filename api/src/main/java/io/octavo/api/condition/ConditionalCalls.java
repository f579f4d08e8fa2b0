package io.octavo.api.condition;

import io.octavo.jobs.change.GuardedChange;
import io.octavo.jobs.hash.Sha256;
import io.octavo.jobs.problem.ProblemCategory;
import io.octavo.jobs.problem.ProblemException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.support.WebDataBinderFactory;
import org.springframework.web.context.request.NativeWebRequest;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.method.support.HandlerMethodArgumentResolverComposite;
import org.springframework.web.method.support.InvocableHandlerMethod;
import org.springframework.web.method.support.ModelAndViewContainer;
import org.springframework.web.servlet.HandlerMapping;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerAdapter;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import org.springframework.web.servlet.mvc.method.annotation.ServletInvocableHandlerMethod;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Calls controllers. Answers of {@link Tagged} calls get an ETag, which is a hash of what they show. A change that is made
 * on condition is held against the nearest tagged resource at or above its path, in one transaction with the change; where
 * there is none, as above a list, no tag holds, and {@code *} does.
 */
public final class ConditionalCalls extends RequestMappingHandlerAdapter {

    private static final String API = "/api/";

    private final Supplier<RequestMappingHandlerMapping> mapping;
    private final Supplier<GuardedChange> changes;
    private final Supplier<JsonMapper> json;
    private @Nullable Map<String, HandlerMethod> shownBy;
    private @Nullable JsonMapper canonical;

    /** Beans are asked for when the first call comes: this object is there before they are. */
    public ConditionalCalls(
            Supplier<RequestMappingHandlerMapping> mapping,
            Supplier<GuardedChange> changes,
            Supplier<JsonMapper> json) {
        this.mapping = mapping;
        this.changes = changes;
        this.json = json;
    }

    @Override
    protected ServletInvocableHandlerMethod createInvocableHandlerMethod(HandlerMethod method) {
        return new Call(method);
    }

    /** What shows the resource that a pattern of paths names, or the nearest one above it. */
    private synchronized Optional<HandlerMethod> shown(String pattern) {
        if (shownBy == null) {
            Map<String, HandlerMethod> found = new LinkedHashMap<>();
            mapping.get().getHandlerMethods().forEach((info, method) -> {
                if (method.hasMethodAnnotation(Tagged.class)) {
                    info.getPatternValues().forEach(path -> found.put(path, method.createWithResolvedBean()));
                }
            });
            shownBy = found;
        }
        for (String path = pattern; path.contains("/"); path = path.substring(0, path.lastIndexOf('/'))) {
            HandlerMethod method = shownBy.get(path);
            if (method != null) {
                return Optional.of(method);
            }
        }
        return Optional.empty();
    }

    /** Maps in the order of their names, so that every process makes the same tag. */
    private synchronized String tag(@Nullable Object shown) {
        if (canonical == null) {
            canonical = json.get()
                    .rebuild()
                    .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
                    .build();
        }
        return '"' + Sha256.hex(canonical.writeValueAsString(shown)) + '"';
    }

    /** One request's. */
    private final class Call extends ServletInvocableHandlerMethod {

        private @Nullable HandlerMethodArgumentResolverComposite resolvers;
        private @Nullable WebDataBinderFactory binders;
        private @Nullable NativeWebRequest request;
        private @Nullable ModelAndViewContainer container;

        Call(HandlerMethod method) {
            super(method);
        }

        @Override
        public void setHandlerMethodArgumentResolvers(HandlerMethodArgumentResolverComposite resolvers) {
            super.setHandlerMethodArgumentResolvers(resolvers);
            this.resolvers = resolvers;
        }

        @Override
        public void setDataBinderFactory(WebDataBinderFactory binders) {
            super.setDataBinderFactory(binders);
            this.binders = binders;
        }

        @Override
        public @Nullable Object invokeForRequest(
                NativeWebRequest request, @Nullable ModelAndViewContainer container, Object... provided)
                throws Exception {
            this.request = request;
            this.container = container;
            return super.invokeForRequest(request, container, provided);
        }

        /** Behind all that would refuse the request without its conditions: who may call, and what the body holds. */
        @Override
        protected @Nullable Object doInvoke(@Nullable Object... arguments) throws Exception {
            HttpServletRequest http =
                    Objects.requireNonNull(Objects.requireNonNull(request).getNativeRequest(HttpServletRequest.class));
            if (hasMethodAnnotation(Tagged.class)) {
                return answered(http, super.doInvoke(arguments));
            }
            String pattern = String.valueOf(http.getAttribute(HandlerMapping.BEST_MATCHING_PATTERN_ATTRIBUTE));
            if (!pattern.startsWith(API)
                    || Conditions.isReading(http)
                    || !Conditions.areMade(http)
                    || hasMethodAnnotation(OwnConditions.class)) {
                return super.doInvoke(arguments);
            }
            Optional<HandlerMethod> shown = shown(pattern);
            if (shown.isEmpty()) {
                Conditions.isKnown(http, Optional.of(Conditions.UNTAGGED));
                return super.doInvoke(arguments);
            }
            return changes.get()
                    .run(() -> Conditions.isKnown(http, current(http, shown.get())), () -> super.doInvoke(arguments));
        }

        private @Nullable Object answered(HttpServletRequest http, @Nullable Object shown) {
            String tag = tag(shown);
            boolean known = Conditions.isKnown(http, Optional.of(tag));
            HttpServletResponse response = Objects.requireNonNull(
                    Objects.requireNonNull(request).getNativeResponse(HttpServletResponse.class));
            response.setHeader(HttpHeaders.ETAG, tag);
            if (!known) {
                return shown;
            }
            response.setStatus(HttpStatus.NOT_MODIFIED.value());
            Objects.requireNonNull(container).setRequestHandled(true);
            return null;
        }

        /** Only a POST can make what is not there; others fail with what says that it is not. */
        private Optional<String> current(HttpServletRequest http, HandlerMethod shown) throws Exception {
            var call = new InvocableHandlerMethod(shown);
            call.setHandlerMethodArgumentResolvers(Objects.requireNonNull(resolvers));
            call.setDataBinderFactory(Objects.requireNonNull(binders));
            try {
                return Optional.of(
                        tag(call.invokeForRequest(Objects.requireNonNull(request), new ModelAndViewContainer())));
            } catch (ProblemException e) {
                if (http.getMethod().equals(HttpMethod.POST.name()) && e.code().category() == ProblemCategory.MISSING) {
                    return Optional.empty();
                }
                throw e;
            }
        }
    }
}
