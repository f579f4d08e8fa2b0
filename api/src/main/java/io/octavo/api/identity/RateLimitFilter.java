package io.octavo.api.identity;

import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.http.HttpHeaders;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.servlet.HandlerExceptionResolver;

/**
 * A token bucket for each caller. It lives in this replica alone: what it protects is the replica, and a limit shared over
 * the database would cost more than it saves.
 */
final class RateLimitFilter extends OncePerRequestFilter {

    private static final int MANY = 10_000;

    private final IdentityProperties.Rate rate;
    private final HandlerExceptionResolver problems;
    private final Map<String, Bucket> buckets = new ConcurrentHashMap<>();

    RateLimitFilter(IdentityProperties.Rate rate, HandlerExceptionResolver problems) {
        this.rate = rate;
        this.problems = problems;
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        if (!(SecurityContextHolder.getContext().getAuthentication() instanceof Caller caller)) {
            chain.doFilter(request, response);
            return;
        }
        forgetFull();
        ConsumptionProbe probe = buckets.computeIfAbsent(caller.tenant() + " " + caller.getName(), key -> bucket())
                .tryConsumeAndReturnRemaining(1);
        if (probe.isConsumed()) {
            chain.doFilter(request, response);
            return;
        }
        Duration wait = Duration.ofNanos(probe.getNanosToWaitForRefill());
        response.setHeader(
                HttpHeaders.RETRY_AFTER,
                Long.toString(Math.max(1, wait.plusMillis(999).toSeconds())));
        problems.resolveException(
                request,
                response,
                null,
                new ProblemException(
                        ProblemCode.RATE_LIMITED,
                        "more than " + rate.perSecond() + " calls a second after a burst of " + rate.burst()
                                + "; wait as Retry-After says"));
    }

    private Bucket bucket() {
        Duration pause = Duration.ofNanos(Math.max(1, Math.round(1e9 / rate.perSecond())));
        return Bucket.builder()
                .addLimit(limit -> limit.capacity(rate.burst()).refillGreedy(1, pause))
                .withNanosecondPrecision()
                .build();
    }

    private void forgetFull() {
        if (buckets.size() > MANY) {
            buckets.values().removeIf(bucket -> bucket.getAvailableTokens() >= rate.burst());
        }
    }
}
