package io.octavo.api.call;

import io.octavo.api.problem.Problems;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Component;
import org.springframework.web.HttpMediaTypeNotSupportedException;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.servlet.HandlerExceptionResolver;

/** Refuses headers which ask for what no call does, since the call would be another one without them. */
@Component
@Order(Ordered.LOWEST_PRECEDENCE - 2)
class HeaderFilter extends OncePerRequestFilter {

    private static final String AS_IT_IS = "identity";

    private final HandlerExceptionResolver problems;

    HeaderFilter(@Qualifier("handlerExceptionResolver") HandlerExceptionResolver problems) {
        this.problems = problems;
    }

    @Override
    protected boolean shouldNotFilter(HttpServletRequest request) {
        return request.getMethod().equals(HttpMethod.GET.name())
                || request.getMethod().equals(HttpMethod.HEAD.name());
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        try {
            requireNoPart(request);
            requireOneKey(request);
            requirePlain(request, response);
        } catch (RuntimeException | HttpMediaTypeNotSupportedException refusal) {
            problems.resolveException(request, response, null, refusal);
            return;
        }
        chain.doFilter(request, response);
    }

    /** RFC 9110, section 14.5: a part must not be taken for the whole. */
    private static void requireNoPart(HttpServletRequest request) {
        if (request.getMethod().equals(HttpMethod.PUT.name()) && request.getHeader(HttpHeaders.CONTENT_RANGE) != null) {
            Problems.read(HttpHeaders.CONTENT_RANGE, () -> {
                throw new IllegalArgumentException("a PUT takes the whole file, not a part of it");
            });
        }
    }

    private static void requireOneKey(HttpServletRequest request) {
        Set<String> keys = values(request, Problems.IDEMPOTENCY_KEY);
        if (keys.size() > 1) {
            Problems.read(Problems.IDEMPOTENCY_KEY, () -> {
                throw new IllegalArgumentException("must be given once; there are " + keys.size() + " different ones");
            });
        }
    }

    private static void requirePlain(HttpServletRequest request, HttpServletResponse response)
            throws HttpMediaTypeNotSupportedException {
        Set<String> codings = values(request, HttpHeaders.CONTENT_ENCODING);
        if (!codings.stream().allMatch(AS_IT_IS::equalsIgnoreCase)) {
            response.setHeader(HttpHeaders.ACCEPT_ENCODING, AS_IT_IS);
            throw new HttpMediaTypeNotSupportedException(
                    "bodies are taken as they are, without a Content-Encoding", List.of(MediaType.ALL));
        }
    }

    private static Set<String> values(HttpServletRequest request, String header) {
        return new LinkedHashSet<>(Collections.list(request.getHeaders(header)));
    }
}
