package io.octavo.api.problem;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ErrorReportValve;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;

/** What the server itself refuses, such as a NUL in a path, gets a problem in place of a page. */
public final class ProblemValve extends ErrorReportValve {

    /** The server tells which of them to its log alone. */
    private static String detail(int status) {
        return switch (HttpStatus.resolve(status)) {
            case BAD_REQUEST ->
                "the request cannot be read: its first line, path or a header is malformed, or it has headers of more than"
                        + " 8 KiB, or a Transfer-Encoding other than chunked";
            case METHOD_NOT_ALLOWED -> "no call has this method";
            case HTTP_VERSION_NOT_SUPPORTED -> "HTTP/1.1 is spoken here";
            case EXPECTATION_FAILED -> "of what Expect may say, 100-continue alone is met";
            case null, default -> "the server could not answer the request";
        };
    }

    @Override
    protected void report(Request request, Response response, @Nullable Throwable failure) {
        if (response.getStatus() == HttpStatus.NOT_IMPLEMENTED.value()
                && request.getHeader(HttpHeaders.TRANSFER_ENCODING) != null) {
            response.setStatus(HttpStatus.BAD_REQUEST.value()); // a coding that is not chunked
        }
        if (response.getStatus() == HttpStatus.NOT_IMPLEMENTED.value()) {
            // A method such as CONNECT, which the server itself turns away.
            response.setStatus(HttpStatus.METHOD_NOT_ALLOWED.value());
            response.setHeader(HttpHeaders.ALLOW, "GET, HEAD, POST, PUT, DELETE");
        }
        int status = response.getStatus();
        if (status < HttpStatus.BAD_REQUEST.value()
                || response.getContentWritten() > 0
                || !response.setErrorReported()) {
            return;
        }
        HttpStatus known = HttpStatus.resolve(status);
        String code = ProblemAdvice.code(known == null ? HttpStatus.INTERNAL_SERVER_ERROR : known);
        String title = known == null ? "Error" : known.getReasonPhrase();
        byte[] problem = (isServed(request)
                        ? "{\"error\":{\"message\":\"%s\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"invalid_request\"}}"
                                .formatted(detail(status))
                        : "{\"type\":\"urn:octavo:problem:%s\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\",\"code\":\"%s\"}"
                                .formatted(code, title, status, detail(status), code))
                .getBytes(StandardCharsets.UTF_8);
        response.setContentType(
                isServed(request) ? MediaType.APPLICATION_JSON_VALUE : MediaType.APPLICATION_PROBLEM_JSON_VALUE);
        response.setContentLength(problem.length);
        try {
            response.getOutputStream().write(problem);
            response.finishResponse();
        } catch (IOException | IllegalStateException e) {
            container.getLogger().debug("The client of a refused request is gone", e);
        }
    }

    /** Where clients of OpenAI's interface read the answer. */
    private static boolean isServed(Request request) {
        String path = request.getRequestURI();
        return path != null && path.startsWith("/serve/");
    }
}
