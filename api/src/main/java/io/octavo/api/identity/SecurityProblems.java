package io.octavo.api.identity;

import io.octavo.jobs.audit.AuditLog;
import io.octavo.jobs.audit.AuditedCall;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.dao.DataAccessException;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.web.AuthenticationEntryPoint;
import org.springframework.security.web.access.AccessDeniedHandler;
import org.springframework.security.web.firewall.RequestRejectedException;
import org.springframework.security.web.firewall.RequestRejectedHandler;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;
import org.springframework.web.servlet.HandlerExceptionResolver;

/** What is turned away before a controller sees it gets a problem like everything else. */
@Component
class SecurityProblems implements AuthenticationEntryPoint, AccessDeniedHandler, RequestRejectedHandler {

    private static final Logger LOG = LoggerFactory.getLogger(SecurityProblems.class);
    private static final String SCHEME = "Bearer";

    private final HandlerExceptionResolver problems;
    private final AuditLog audit;

    SecurityProblems(@Qualifier("handlerExceptionResolver") HandlerExceptionResolver problems, AuditLog audit) {
        this.problems = problems;
        this.audit = audit;
    }

    @Override
    public void commence(HttpServletRequest request, HttpServletResponse response, AuthenticationException failure) {
        if (failure instanceof IdentityUnavailableException unavailable) {
            LOG.warn("{}: {}", unavailable.getMessage(), String.valueOf(unavailable.getCause()));
            answer(request, response, unavailable.code(), String.valueOf(unavailable.getMessage()));
            return;
        }
        String sent = String.valueOf(request.getHeader(HttpHeaders.AUTHORIZATION));
        boolean presented = sent.regionMatches(true, 0, SCHEME, 0, SCHEME.length());
        response.setHeader(
                HttpHeaders.WWW_AUTHENTICATE,
                presented ? "Bearer realm=\"octavo\", error=\"invalid_token\"" : "Bearer realm=\"octavo\"");
        answer(
                request,
                response,
                ProblemCode.UNAUTHENTICATED,
                presented
                        ? "the bearer token was not accepted: " + failure.getMessage()
                        : "this call needs an API key: Authorization: Bearer octv_...");
    }

    @Override
    public void handle(HttpServletRequest request, HttpServletResponse response, AccessDeniedException failure) {
        Authentication known = SecurityContextHolder.getContext().getAuthentication();
        if (known instanceof Caller caller) {
            audit(caller, request);
        }
        response.setHeader(HttpHeaders.WWW_AUTHENTICATE, "Bearer realm=\"octavo\", error=\"insufficient_scope\"");
        answer(request, response, ProblemCode.SCOPE_MISSING, "the key's scope does not include this call");
    }

    /** The refusal stands, whether or not the database takes its entry. */
    private void audit(Caller caller, HttpServletRequest request) {
        try {
            audit.refused(
                    new AuditedCall(
                            caller.tenant(),
                            caller.getName(),
                            request.getMethod(),
                            request.getRequestURI(),
                            request.getRemoteAddr()),
                    HttpStatus.FORBIDDEN.value());
        } catch (DataAccessException | TransactionException e) {
            LOG.error(
                    "Not in the audit log: {} {} {} refused: {}",
                    caller.getName(),
                    request.getMethod(),
                    request.getRequestURI(),
                    e.getMessage());
        }
    }

    @Override
    public void handle(HttpServletRequest request, HttpServletResponse response, RequestRejectedException rejected) {
        answer(
                request,
                response,
                ProblemCode.INVALID_REQUEST,
                request.getRequestURI().contains(";")
                        ? "a path has no parameters: a ; in a name is written %3B"
                        : "the request's method, path or a header has what no call of this service needs");
    }

    private void answer(HttpServletRequest request, HttpServletResponse response, ProblemCode code, String detail) {
        problems.resolveException(request, response, null, new ProblemException(code, detail));
    }
}
