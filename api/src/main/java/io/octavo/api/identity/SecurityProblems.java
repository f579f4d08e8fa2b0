package io.octavo.api.identity;

import io.octavo.jobs.audit.AuditLog;
import io.octavo.jobs.audit.AuditedCall;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.beans.factory.annotation.Qualifier;
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
import org.springframework.web.servlet.HandlerExceptionResolver;

/** What is turned away before a controller sees it gets a problem like everything else. */
@Component
class SecurityProblems implements AuthenticationEntryPoint, AccessDeniedHandler, RequestRejectedHandler {

    private final HandlerExceptionResolver problems;
    private final AuditLog audit;

    SecurityProblems(@Qualifier("handlerExceptionResolver") HandlerExceptionResolver problems, AuditLog audit) {
        this.problems = problems;
        this.audit = audit;
    }

    @Override
    public void commence(HttpServletRequest request, HttpServletResponse response, AuthenticationException failure) {
        if (failure instanceof IdentityUnavailableException) {
            answer(request, response, ProblemCode.DATABASE_UNAVAILABLE, "the database did not answer; try again");
            return;
        }
        boolean presented = request.getHeader(HttpHeaders.AUTHORIZATION) != null;
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
            audit.refused(
                    new AuditedCall(
                            caller.tenant(),
                            caller.getName(),
                            request.getMethod(),
                            request.getRequestURI(),
                            request.getRemoteAddr()),
                    HttpStatus.FORBIDDEN.value());
        }
        response.setHeader(HttpHeaders.WWW_AUTHENTICATE, "Bearer realm=\"octavo\", error=\"insufficient_scope\"");
        answer(request, response, ProblemCode.SCOPE_MISSING, "the key's scope does not include this call");
    }

    @Override
    public void handle(HttpServletRequest request, HttpServletResponse response, RequestRejectedException rejected) {
        answer(
                request,
                response,
                ProblemCode.INVALID_REQUEST,
                "the request's method, path or a header has what no call of this service needs");
    }

    private void answer(HttpServletRequest request, HttpServletResponse response, ProblemCode code, String detail) {
        problems.resolveException(request, response, null, new ProblemException(code, detail));
    }
}
