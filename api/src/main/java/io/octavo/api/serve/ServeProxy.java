package io.octavo.api.serve;

import io.octavo.api.call.LastingCalls;
import io.octavo.api.identity.Caller;
import io.octavo.jobs.deployment.ServedEndpoint;
import io.octavo.jobs.hash.Sha256;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/**
 * Carries one call to a worker, and what it answers back. Nothing that a client sends becomes a part of the request but its
 * body, whose length is known: path and headers are written here. A call whose client leaves, or that this process cannot see
 * to its end, ends at the worker too.
 */
@Component
class ServeProxy extends LastingCalls {

    private static final Logger LOG = LoggerFactory.getLogger(ServeProxy.class);

    /** How often it is looked whether the client is still there. */
    private static final Duration LOOK = Duration.ofMillis(250);

    private static final List<String> PASSED_ON =
            List.of("Content-Type", "Cache-Control", "X-Accel-Buffering", "Retry-After", "x-request-id");

    private static final int UNAUTHORIZED = 401;

    private final ServeProperties properties;
    private final ClientWatch watch;
    private final HttpClient http;

    ServeProxy(ServeProperties properties, ClientWatch watch) {
        this.properties = properties;
        this.watch = watch;
        this.http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .proxy(HttpClient.Builder.NO_PROXY)
                .connectTimeout(properties.connectTimeout())
                .executor(Executors.newVirtualThreadPerTaskExecutor())
                .build();
    }

    /**
     * @param path below the worker's address
     * @throws ServeException if the worker cannot be asked; nothing was answered then
     * @throws IOException if the client is gone, or an answer that had begun cannot be ended in order
     */
    void pass(
            ServedEndpoint worker,
            String path,
            byte[] body,
            Caller caller,
            HttpServletRequest request,
            HttpServletResponse response)
            throws IOException, InterruptedException {
        HttpRequest asked = HttpRequest.newBuilder(URI.create(worker.url() + path))
                .header("Authorization", "Bearer " + worker.secret())
                .header("Content-Type", "application/json")
                // Whose turn it is; the worker need not know who that is.
                .header("X-Octavo-Client", Sha256.hex(caller.tenant() + " " + caller.getName()))
                .POST(BodyPublishers.ofByteArray(body))
                .build();
        ClientWatch.Client client = watch.of(request);
        CompletableFuture<HttpResponse<WorkerAnswer>> coming = http.sendAsync(asked, head -> new WorkerAnswer());
        HttpResponse<WorkerAnswer> answer;
        try {
            answer = head(coming, client);
        } catch (IOException | RuntimeException | InterruptedException e) {
            coming.cancel(true);
            throw e;
        }
        try (WorkerAnswer content = answer.body()) {
            if (answer.statusCode() == UNAUTHORIZED) {
                throw unavailable("the deployment has moved to another worker", null);
            }
            new AnswerCopy(answer, content, client, response).run();
        }
    }

    private HttpResponse<WorkerAnswer> head(
            CompletableFuture<HttpResponse<WorkerAnswer>> coming, ClientWatch.Client client)
            throws IOException, InterruptedException {
        long start = System.nanoTime();
        while (System.nanoTime() - start < properties.answerTimeout().toNanos()) {
            try {
                return coming.get(LOOK.toNanos(), TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                requireWanted(client);
            } catch (ExecutionException e) {
                throw unavailable("the deployment's worker does not answer", e.getCause());
            }
        }
        throw new ServeException(504, "answer_timeout", null, "no answer came within " + properties.answerTimeout());
    }

    private void requireWanted(ClientWatch.Client client) throws IOException {
        if (client.isGone()) {
            throw new IOException("the client has closed its connection");
        }
        if (!isRunning()) {
            throw new ServeException(503, "server_overloaded", null, "the service is stopping");
        }
    }

    private static ServeException unavailable(String message, @Nullable Throwable cause) {
        return new ServeException(
                503, "model_unavailable", "model", message + "; one that is lost is replaced, so try again", cause);
    }

    /** One answer on its way. */
    private final class AnswerCopy {

        private final HttpResponse<WorkerAnswer> answer;
        private final WorkerAnswer content;
        private final ClientWatch.Client client;
        private final HttpServletResponse response;
        private final EventBoundary boundary = new EventBoundary();
        private final boolean stream;

        AnswerCopy(
                HttpResponse<WorkerAnswer> answer,
                WorkerAnswer content,
                ClientWatch.Client client,
                HttpServletResponse response) {
            this.answer = answer;
            this.content = content;
            this.client = client;
            this.response = response;
            this.stream = answer.headers()
                    .firstValue("Content-Type")
                    .filter(type -> type.startsWith("text/event-stream"))
                    .isPresent();
        }

        void run() throws IOException, InterruptedException {
            response.setStatus(answer.statusCode());
            PASSED_ON.forEach(
                    name -> answer.headers().firstValue(name).ifPresent(value -> response.setHeader(name, value)));
            answer.headers().firstValueAsLong("Content-Length").ifPresent(response::setContentLengthLong);
            try {
                copy();
            } catch (ServeException e) {
                breakOff(e);
            }
        }

        private void copy() throws IOException, InterruptedException {
            while (true) {
                var piece = next();
                if (piece.isEmpty()) {
                    return;
                }
                for (var bytes : piece) {
                    byte[] plain = new byte[bytes.remaining()];
                    bytes.get(plain);
                    boundary.passed(plain);
                    response.getOutputStream().write(plain);
                }
                if (stream) {
                    response.flushBuffer();
                }
                content.more();
            }
        }

        private List<ByteBuffer> next() throws IOException, InterruptedException {
            long start = System.nanoTime();
            while (System.nanoTime() - start < properties.silence().toNanos()) {
                try {
                    var piece = content.next(LOOK);
                    if (piece.isPresent()) {
                        return piece.get();
                    }
                } catch (IOException e) {
                    throw unavailable("the deployment's worker went away", e);
                }
                requireWanted(client);
            }
            throw unavailable("the deployment's worker fell silent", null);
        }

        /** A stream between two events can still say so; what was begun otherwise is cut off. */
        private void breakOff(ServeException failure) throws IOException {
            if (!response.isCommitted()) {
                response.reset();
                throw failure;
            }
            if (!stream || !boundary.isBetween()) {
                throw new IOException("an answer broke off", failure);
            }
            LOG.info("A stream ends early: {}", failure.getMessage());
            response.getOutputStream()
                    .write(("data: " + failure.error().json() + "\n\ndata: [DONE]\n\n")
                            .getBytes(StandardCharsets.UTF_8));
            response.flushBuffer();
        }
    }
}
