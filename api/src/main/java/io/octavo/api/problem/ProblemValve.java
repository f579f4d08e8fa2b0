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

    @Override
    protected void report(Request request, Response response, @Nullable Throwable failure) {
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
        byte[] problem =
                "{\"type\":\"urn:octavo:problem:%s\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\",\"code\":\"%s\"}"
                        .formatted(code, title, status, "the server could not read the request", code)
                        .getBytes(StandardCharsets.UTF_8);
        response.setContentType(MediaType.APPLICATION_PROBLEM_JSON_VALUE);
        response.setContentLength(problem.length);
        try {
            response.getOutputStream().write(problem);
            response.finishResponse();
        } catch (IOException | IllegalStateException e) {
            container.getLogger().debug("The client of a refused request is gone", e);
        }
    }
}
