package io.octavo.worker.serve;

import io.octavo.engine.failure.QuantizationException;
import io.octavo.worker.openai.ChatCall;
import io.octavo.worker.openai.CompletionCall;
import io.octavo.worker.openai.OpenAiCode;
import io.octavo.worker.openai.OpenAiException;
import io.octavo.worker.openai.OpenAiJson;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code /v1/models}, {@code /v1/completions} and {@code /v1/chat/completions}, which ask for the key, and {@code /health} and
 * {@code /metrics}, which do not.
 */
final class OpenAiServlet extends HttpServlet {

    private static final long serialVersionUID = 1L;
    private static final Logger LOG = LoggerFactory.getLogger(OpenAiServlet.class);
    private static final String MODELS = "/v1/models";
    private static final String OTHER = "other";
    private static final String LOOKS = "GET, HEAD, OPTIONS";
    private static final String SENDS = "POST, OPTIONS";

    /** A body may take as long as so many pauses. */
    private static final int BODY_PIECES = 3;

    private final transient ServedCalls calls;
    private final transient ServeMeters meters;
    private final transient ServeSettings settings;
    private final transient ApiKey key;
    private final transient WatchedProtocol protocol;
    private final transient OpenCalls open;
    private final transient CrossOrigin crossOrigin;

    OpenAiServlet(
            ServedCalls calls, ServeMeters meters, ServeSettings settings, WatchedProtocol protocol, OpenCalls open) {
        this.calls = calls;
        this.meters = meters;
        this.settings = settings;
        this.key = new ApiKey(settings.apiKey());
        this.protocol = protocol;
        this.open = open;
        this.crossOrigin = new CrossOrigin(settings.origins());
    }

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        var call = new HttpCall(request, response, protocol::connection, open, settings.behindService());
        String path = String.valueOf(request.getPathInfo());
        open.begin();
        try {
            handle(call, path);
        } finally {
            open.end();
            meters.answered(route(path), call.status(), call.elapsed());
            settings.accessLog().accept(call.line());
        }
    }

    private void handle(HttpCall call, String path) throws IOException {
        try {
            route(call, path);
        } catch (OpenAiException e) {
            call.refuse(e);
        } catch (QuantizationException e) {
            call.refuse(Failures.translate(e, null));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            call.refuse(new OpenAiException(OpenAiCode.SERVER_OVERLOADED, null, "the server is stopping"));
        } catch (IOException e) {
            call.clientLeft();
        } catch (RuntimeException e) {
            LOG.error("{} failed", call.line(), e);
            call.refuse(new OpenAiException(
                    OpenAiCode.INTERNAL_ERROR, null, "the server failed; its log has more under " + call.id()));
        }
    }

    private void route(HttpCall call, String path) throws IOException, InterruptedException {
        crossOrigin.mark(call);
        if (call.request().getMethod().equals("OPTIONS")) {
            requireKnown(path);
            call.answerOptions(methods(path));
            return;
        }
        if (path.startsWith("/v1/")) {
            key.check(call.request().getHeader("Authorization"));
        }
        switch (path) {
            case "/health" -> health(call);
            case "/metrics" -> {
                requireLook(call);
                call.answerText("text/plain; version=0.0.4; charset=utf-8", meters.scrape());
            }
            case MODELS -> {
                requireLook(call);
                call.answer(calls.models());
            }
            case "/v1/completions" -> calls.complete(call, CompletionCall.read(body(call)));
            case "/v1/chat/completions" -> calls.chat(call, ChatCall.read(body(call)));
            default -> {
                requireKnown(path);
                requireLook(call);
                call.answer(calls.model(path.substring(MODELS.length() + 1)));
            }
        }
    }

    private void health(HttpCall call) throws IOException {
        requireLook(call);
        if (!calls.isAlive() || open.isStopping()) {
            throw new OpenAiException(OpenAiCode.SERVER_OVERLOADED, null, "the model takes no requests");
        }
        call.answer(Map.of("status", "ok"));
    }

    private ObjectNode body(HttpCall call) throws IOException {
        require(call, "POST");
        Duration patience = settings.patience().multipliedBy(BODY_PIECES);
        try (RequestBody body = RequestBody.read(call.request(), patience)) {
            return OpenAiJson.parse(body.bytes());
        }
    }

    private static void requireKnown(String path) {
        if (route(path).equals(OTHER)) {
            throw new OpenAiException(OpenAiCode.UNKNOWN_URL, null, "there is no " + path);
        }
    }

    /** The container leaves out what HEAD does not want. */
    private static void requireLook(HttpCall call) {
        require(call, call.request().getMethod().equals("HEAD") ? "HEAD" : "GET");
    }

    private static void require(HttpCall call, String method) {
        if (!call.request().getMethod().equals(method)) {
            call.allow(method.equals("GET") ? LOOKS : SENDS);
            throw new OpenAiException(OpenAiCode.METHOD_NOT_ALLOWED, null, "this is called by " + method + " alone");
        }
    }

    private static String methods(String path) {
        return path.endsWith("/completions") ? SENDS : LOOKS;
    }

    /** One of a few names, whatever clients ask for. */
    private static String route(String path) {
        return switch (path) {
            case "/health", "/metrics", MODELS, "/v1/completions", "/v1/chat/completions" -> path;
            default -> path.startsWith(MODELS + "/") ? MODELS + "/{model}" : OTHER;
        };
    }
}
