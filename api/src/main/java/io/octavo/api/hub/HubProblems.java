package io.octavo.api.hub;

import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.core.MethodParameter;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.converter.HttpMessageConverter;
import org.springframework.http.server.ServerHttpRequest;
import org.springframework.http.server.ServerHttpResponse;
import org.springframework.http.server.ServletServerHttpRequest;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.servlet.mvc.method.annotation.ResponseBodyAdvice;

/**
 * Says of a problem what the Hub's clients look for: they choose their exception by {@code X-Error-Code}, and show {@code
 * X-Error-Message} or the body's {@code error}.
 */
@ControllerAdvice
class HubProblems implements ResponseBodyAdvice<Object> {

    private static final String REPOSITORY_NOT_FOUND = "RepoNotFound";

    private static final Map<String, String> CODES = Map.of(
            "repository-not-found", REPOSITORY_NOT_FOUND,
            "revision-not-found", "RevisionNotFound",
            "file-not-found", "EntryNotFound");

    /** What tells a bad token from a repository that does not show itself. */
    private static final String BAD_TOKEN = "Invalid credentials in Authorization header";

    /** Names without a namespace, of which there are none here. */
    private static final Pattern WITHOUT_NAMESPACE =
            Pattern.compile("(?s)/hub/(api/models/[^/]+(/(revision|tree|paths-info)/.*)?|[^/]+/resolve/.*)");

    private static final int LONGEST_MESSAGE = 500;

    @Override
    public boolean supports(MethodParameter returned, Class<? extends HttpMessageConverter<?>> converter) {
        return true;
    }

    @Override
    public @Nullable Object beforeBodyWrite(
            @Nullable Object body,
            MethodParameter returned,
            MediaType type,
            Class<? extends HttpMessageConverter<?>> converter,
            ServerHttpRequest request,
            ServerHttpResponse response) {
        if (body instanceof ProblemDetail problem && request instanceof ServletServerHttpRequest servlet) {
            String path = path(servlet.getServletRequest());
            if (HubPaths.isHub(path)) {
                tell(problem, path, servlet.getServletRequest(), response.getHeaders());
            }
        }
        return body;
    }

    private static String path(HttpServletRequest request) {
        Object failed = request.getAttribute(RequestDispatcher.ERROR_REQUEST_URI);
        return failed == null ? request.getRequestURI() : failed.toString();
    }

    private static void tell(ProblemDetail problem, String path, HttpServletRequest request, HttpHeaders headers) {
        Object code =
                problem.getProperties() == null ? "" : problem.getProperties().get("code");
        String detail = String.valueOf(problem.getDetail());
        boolean unknownCaller = "unauthenticated".equals(code);
        boolean presented = request.getHeader(HttpHeaders.AUTHORIZATION) != null;
        boolean nameless =
                "not-found".equals(code) && WITHOUT_NAMESPACE.matcher(path).matches();
        Optional.ofNullable(
                        nameless || (unknownCaller && !presented)
                                ? REPOSITORY_NOT_FOUND
                                : CODES.get(String.valueOf(code)))
                .ifPresent(name -> headers.set("X-Error-Code", name));
        headers.set("X-Error-Message", unknownCaller && presented ? BAD_TOKEN : oneLine(detail));
        problem.setProperty("error", detail);
    }

    /** A header's value: names of files and branches may have any letters. */
    private static String oneLine(String text) {
        String plain = text.replaceAll("[^ -~]", "?");
        return plain.length() <= LONGEST_MESSAGE ? plain : plain.substring(0, LONGEST_MESSAGE);
    }
}
