package io.octavo.worker.serve;

import io.octavo.engine.serve.Usage;
import io.octavo.worker.openai.OpenAiCode;
import io.octavo.worker.openai.OpenAiException;
import io.octavo.worker.openai.OpenAiJson;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** One request with its answer, and what is noted of them. Belongs to the thread that handles it. */
final class HttpCall {

    /** Web servers log it where clients went away before they were answered. */
    private static final int CLIENT_CLOSED = 499;

    private static final String RETRY_SECONDS = "1";

    private final HttpServletRequest request;
    private final HttpServletResponse response;
    private final Function<ServletRequest, Optional<ClientConnection>> connections;
    private final OpenCalls open;
    private final boolean behindService;
    private @Nullable ClientConnection connection;
    private final String id = UUID.randomUUID().toString().replace("-", "");
    private final long start = System.nanoTime();
    private @Nullable Duration untilFirstToken;
    private @Nullable Usage usage;
    private int status = HttpServletResponse.SC_OK;

    /**
     * @param connections finds the open one that a request came by
     * @param behindService whether the service tells whose call it is
     */
    HttpCall(
            HttpServletRequest request,
            HttpServletResponse response,
            Function<ServletRequest, Optional<ClientConnection>> connections,
            OpenCalls open,
            boolean behindService) {
        this.request = request;
        this.response = response;
        this.connections = connections;
        this.open = open;
        this.behindService = behindService;
        response.setHeader("x-request-id", id);
    }

    HttpServletRequest request() {
        return request;
    }

    /** Names the answer, too. */
    String id() {
        return id;
    }

    /** By whom turns are taken. */
    String client() {
        String told = behindService ? request.getHeader(ServeSettings.CLIENT) : null;
        return told == null ? request.getRemoteAddr() : told;
    }

    boolean serverIsStopping() {
        return open.isStopping();
    }

    boolean clientIsGone() {
        if (connection == null) {
            connection = connections.apply(request).orElse(null);
        }
        return connection == null || connection.isClosed();
    }

    void answer(Object body) throws IOException {
        send("application/json", OpenAiJson.write(body));
    }

    void answerText(String type, String text) throws IOException {
        send(type, text);
    }

    EventStream stream(boolean tellsUsage) throws IOException {
        response.setContentType("text/event-stream;charset=utf-8");
        response.setHeader("Cache-Control", "no-cache");
        // Proxies such as nginx would hold the parts back.
        response.setHeader("X-Accel-Buffering", "no");
        return new EventStream(response.getOutputStream(), tellsUsage);
    }

    /** Nothing more can be said where an answer has begun; the connection ends in the middle of it then. */
    void refuse(OpenAiException error) throws IOException {
        status = error.status();
        if (response.isCommitted()) {
            throw new IOException("an answer broke off", error);
        }
        response.resetBuffer();
        response.setStatus(status);
        if (status == OpenAiCode.SERVER_OVERLOADED.status()) {
            response.setHeader("Retry-After", RETRY_SECONDS);
        }
        if (status == OpenAiCode.INVALID_API_KEY.status()) {
            response.setHeader("WWW-Authenticate", "Bearer");
        }
        answer(error.answer());
        if (serverIsStopping()) {
            response.flushBuffer(); // while there is a connection
        }
    }

    void allow(String methods) {
        response.setHeader("Allow", methods);
    }

    /** Methods of this path, and nothing else. */
    void answerOptions(String methods) {
        allow(methods);
        status = HttpServletResponse.SC_NO_CONTENT;
        response.setStatus(status);
    }

    void header(String name, String value) {
        response.setHeader(name, value);
    }

    private void send(String type, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        response.setContentType(type);
        response.setContentLength(bytes.length);
        response.getOutputStream().write(bytes);
    }

    /** If it is there after all, it has sent what is no HTTP. */
    void clientLeft() {
        status = CLIENT_CLOSED;
        if (!response.isCommitted()) {
            response.resetBuffer();
            response.setStatus(HttpServletResponse.SC_BAD_REQUEST);
        }
    }

    void failed(OpenAiException error) {
        status = error.status();
    }

    /** @return whether this is the first token */
    boolean tokenCame() {
        if (untilFirstToken != null) {
            return false;
        }
        untilFirstToken = elapsed();
        return true;
    }

    void used(Usage tokens) {
        usage = tokens;
    }

    int status() {
        return status;
    }

    Duration elapsed() {
        return Duration.ofNanos(System.nanoTime() - start);
    }

    /** For the access log: method, path, status, times and tokens. Paths hold no secrets, and what is odd in them is encoded. */
    String line() {
        var line = new StringBuilder(
                request.getMethod() + " " + request.getRequestURI() + " " + status + " " + millis(elapsed()) + " ms");
        if (untilFirstToken != null) {
            line.append(", first token ").append(millis(untilFirstToken)).append(" ms");
        }
        if (usage != null) {
            line.append(", tokens ")
                    .append(usage.promptTokens())
                    .append(" (")
                    .append(usage.cachedTokens())
                    .append(" cached) + ")
                    .append(usage.completionTokens());
        }
        return line.append(", ").append(client()).append(", ").append(id).toString();
    }

    private static String millis(Duration duration) {
        return String.format(Locale.ROOT, "%.1f", duration.toNanos() / 1e6);
    }
}
