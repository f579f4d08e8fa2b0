package io.octavo.api.audit;

import io.octavo.api.identity.Caller;
import io.octavo.jobs.audit.AuditLog;
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
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.HandlerMapping;

/**
 * Appends every call that may have changed something, with what came of it. The change itself is over by then, so a
 * database that fails in between costs the entry; the service's log then has it.
 */
@Component
class AuditInterceptor implements HandlerInterceptor {

    private static final Logger LOG = LoggerFactory.getLogger(AuditInterceptor.class);
    private static final Set<String> HARMLESS =
            Set.of(HttpMethod.GET.name(), HttpMethod.HEAD.name(), HttpMethod.OPTIONS.name());

    private final AuditLog log;

    AuditInterceptor(AuditLog log) {
        this.log = log;
    }

    @Override
    public void afterCompletion(
            HttpServletRequest request, HttpServletResponse response, Object handler, @Nullable Exception failure) {
        if (HARMLESS.contains(request.getMethod()) || !(request.getUserPrincipal() instanceof Caller caller)) {
            return;
        }
        String action =
                request.getMethod() + " " + request.getAttribute(HandlerMapping.BEST_MATCHING_PATTERN_ATTRIBUTE);
        try {
            log.append(
                    caller.tenant(),
                    caller.getName(),
                    action,
                    request.getRequestURI(),
                    response.getStatus(),
                    request.getRemoteAddr());
        } catch (DataAccessException | TransactionException e) {
            LOG.error(
                    "Not in the audit log: {} {} {} {}",
                    caller.getName(),
                    action,
                    request.getRequestURI(),
                    response.getStatus(),
                    e);
        }
    }
}
