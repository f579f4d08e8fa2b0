package io.octavo.worker.serve;

import io.octavo.worker.openai.OpenAiCode;
import io.octavo.worker.openai.OpenAiException;
import io.octavo.worker.openai.OpenAiJson;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ErrorReportValve;
import org.jspecify.annotations.Nullable;

/** What the container itself refuses, such as a path that is none, in the shape of every error. Made by the container. */
public final class JsonErrorValve extends ErrorReportValve {

    @Override
    protected void report(Request request, Response response, @Nullable Throwable throwable) {
        if (response.getStatus() < 400 || response.getContentWritten() > 0 || !response.setErrorReported()) {
            return;
        }
        OpenAiCode code = response.getStatus() == OpenAiCode.INTERNAL_ERROR.status()
                ? OpenAiCode.INTERNAL_ERROR
                : OpenAiCode.INVALID_REQUEST;
        var error = new OpenAiException(
                response.getStatus(), code.slug(), null, "HTTP status " + response.getStatus(), null);
        try {
            response.setContentType("application/json");
            response.setCharacterEncoding("utf-8");
            response.getReporter().write(OpenAiJson.write(error.answer()));
            response.finishResponse();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
