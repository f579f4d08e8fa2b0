package io.octavo.api.audit;

import io.octavo.api.identity.Caller;
import io.octavo.jobs.audit.AuditTrail;
import io.octavo.jobs.audit.AuditedCall;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.http.HttpMethod;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.HandlerMapping;

/** Names every call that may change something to the audit trail while it is served. */
@Component
class AuditInterceptor implements HandlerInterceptor {

    private static final Logger LOG = LoggerFactory.getLogger(AuditInterceptor.class);
    private static final Set<String> HARMLESS =
            Set.of(HttpMethod.GET.name(), HttpMethod.HEAD.name(), HttpMethod.OPTIONS.name());

    private final AuditTrail trail;

    AuditInterceptor(AuditTrail trail) {
        this.trail = trail;
    }

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        if (!HARMLESS.contains(request.getMethod())
                && !changesNothing(handler)
                && request.getUserPrincipal() instanceof Caller caller) {
            trail.begin(new AuditedCall(
                    caller.tenant(),
                    caller.getName(),
                    request.getMethod() + " " + request.getAttribute(HandlerMapping.BEST_MATCHING_PATTERN_ATTRIBUTE),
                    request.getRequestURI(),
                    request.getRemoteAddr()));
        }
        return true;
    }

    private static boolean changesNothing(Object handler) {
        return handler instanceof HandlerMethod method && method.hasMethodAnnotation(ChangesNothing.class);
    }

    /** A database that fails here costs the entry of a call that changed nothing; the service's log then has it. */
    @Override
    public void afterCompletion(
            HttpServletRequest request, HttpServletResponse response, Object handler, @Nullable Exception failure) {
        try {
            trail.end(response.getStatus());
        } catch (DataAccessException | TransactionException e) {
            LOG.error(
                    "Not in the audit log: {} {} {} {}: {}",
                    request.getRemoteUser(),
                    request.getMethod(),
                    request.getRequestURI(),
                    response.getStatus(),
                    e.getMessage());
        }
    }
}
