package io.octavo.cli.client;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;

/**
 * Sends requests, again where that is allowed and may help, and turns error answers into {@link ProblemException}.
 *
 * <p>Every call of the contract may be repeated: submissions carry an Idempotency-Key, and the others are idempotent by
 * themselves.
 */
final class HttpExchange implements AutoCloseable {

    private static final int LONGEST_PROBLEM_BYTES = 1 << 20;

    private final URI server;
    private final String base;
    private final Optional<String> apiKey;
    private final RetryPolicy retries;
    private final Duration longestSilence;
    private final HttpClient http;
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("octavo-idle-clock").factory());

    HttpExchange(
            URI server,
            Optional<String> apiKey,
            Optional<SSLContext> trust,
            RetryPolicy retries,
            Duration longestSilence) {
        this.server = server;
        this.base = server.toString().replaceFirst("/+$", "");
        this.apiKey = apiKey;
        this.retries = retries;
        this.longestSilence = longestSilence;
        HttpClient.Builder builder = HttpClient.newBuilder();
        trust.ifPresent(builder::sslContext);
        this.http = builder.version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(Duration.ofSeconds(5))
                .followRedirects(HttpClient.Redirect.NEVER)
                .build();
    }

    HttpRequest.Builder request(String pathAndQuery) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(base + pathAndQuery)).timeout(Duration.ofSeconds(60));
        apiKey.ifPresent(key -> request.header("Authorization", "Bearer " + key));
        return request;
    }

    /** The whole body as text. */
    String text(HttpRequest request) throws InterruptedException {
        return repeat(() -> request, HttpExchange::wholeBody);
    }

    static String wholeBody(HttpResponse<InputStream> response) throws IOException {
        try (InputStream body = response.body()) {
            return new String(body.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** The answer with its body still to be read; the caller closes it. A read fails after a long silence. */
    HttpResponse<InputStream> open(HttpRequest request) throws InterruptedException {
        return repeat(() -> request, response -> response);
    }

    /** Takes what is wanted out of an answer; where that fails, the call is repeated as for a broken connection. */
    @FunctionalInterface
    interface AnswerReader<T> {
        T read(HttpResponse<InputStream> response) throws IOException;
    }

    /**
     * @param request made anew for each try, since a body may be sent only once
     */
    <T> T repeat(Supplier<HttpRequest> request, AnswerReader<T> reader) throws InterruptedException {
        for (int failures = 1; ; failures++) {
            try {
                return reader.read(once(request.get()));
            } catch (ProblemException e) {
                if (!worthRepeating(e.status()) || failures >= retries.attempts()) {
                    throw e;
                }
            } catch (SSLHandshakeException e) {
                throw new ServerUnreachableException(server, e);
            } catch (IOException e) {
                giveUpAfterLast(failures, e);
            }
            pauseAfter(failures);
        }
    }

    void pauseAfter(int failures) throws InterruptedException {
        Thread.sleep(retries.pauseAfter(failures));
    }

    void giveUpAfterLast(int failures, IOException cause) {
        if (failures >= retries.attempts()) {
            throw new ServerUnreachableException(server, cause);
        }
    }

    private HttpResponse<InputStream> once(HttpRequest request) throws IOException, InterruptedException {
        HttpResponse<InputStream> response = http.send(
                request,
                info -> HttpResponse.BodySubscribers.mapping(
                        BodyHandlers.ofInputStream().apply(info),
                        body -> new IdleTimeoutInputStream(body, clock, longestSilence)));
        if (response.statusCode() >= 300) {
            try (InputStream body = response.body()) {
                String text = new String(body.readNBytes(LONGEST_PROBLEM_BYTES), StandardCharsets.UTF_8);
                throw new ProblemException(response.statusCode(), Problem.ofAnswer(response.statusCode(), text));
            }
        }
        return response;
    }

    /** Too busy, or a gateway in front of a service that is starting. */
    private static boolean worthRepeating(int status) {
        return status == 429 || status == 502 || status == 503 || status == 504;
    }

    @Override
    public void close() {
        clock.shutdownNow();
        http.shutdownNow();
    }
}
