package io.octavo.jobs.outgoing;

import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Proxy;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Pattern;
import okhttp3.ConnectionPool;
import okhttp3.HttpUrl;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.stereotype.Component;

/**
 * Calls URLs that users name. A name is resolved once, every address of it is judged, and the connection goes to exactly
 * those, so that an answer of the name server which changes in between changes nothing. Redirects and proxies are not
 * followed.
 */
@Component
public class OutgoingHttp implements DisposableBean {

    private static final Duration CALL_LIMIT = Duration.ofSeconds(10);
    private static final Pattern PLAIN = Pattern.compile("(?iU)https?://[^\\s\\p{C}\\\\]+");
    private static final MediaType JSON = MediaType.get("application/json");

    private final AddressGuard guard;
    private final boolean allowHttp;
    private final OkHttpClient client;

    OutgoingHttp(AddressGuard guard, OutgoingProperties properties) {
        this.guard = guard;
        this.allowHttp = properties.allowHttp();
        this.client = new OkHttpClient.Builder()
                .dns(guard::resolve)
                .proxy(Proxy.NO_PROXY)
                .followRedirects(false)
                .followSslRedirects(false)
                .retryOnConnectionFailure(false)
                .callTimeout(CALL_LIMIT)
                .connectionPool(new ConnectionPool(0, 1, java.util.concurrent.TimeUnit.SECONDS))
                .build();
    }

    /**
     * Refuses what could never be called, as far as it can be told now.
     *
     * @throws ProblemException {@code address-not-allowed}
     */
    public void requireCallable(String url) {
        HttpUrl parsed = HttpUrl.parse(url);
        // What is kept and shown is the text as it came; the parser would pass over blanks, line ends and backslashes.
        if (parsed == null
                || !PLAIN.matcher(url).matches()
                || !parsed.username().isEmpty()
                || !parsed.password().isEmpty()) {
            throw notAllowed("not an absolute http or https URL without credentials");
        }
        if (!parsed.isHttps() && !allowHttp) {
            throw notAllowed("must begin with https://");
        }
        try {
            guard.resolve(parsed.host());
        } catch (AddressNotAllowedException e) {
            throw notAllowed(parsed.host() + " does not lead to the public internet");
        } catch (UnknownHostException e) {
            throw notAllowed(parsed.host() + " has no address");
        }
    }

    private static ProblemException notAllowed(String why) {
        return new ProblemException(ProblemCode.ADDRESS_NOT_ALLOWED, "url: " + why);
    }

    /**
     * Posts JSON; of the answer only its status is taken.
     *
     * @throws IOException if there is no answer within ten seconds, or the address may not be called
     */
    public int post(String url, Map<String, String> headers, byte[] body) throws IOException {
        Request.Builder request = new Request.Builder().url(url).post(RequestBody.create(body, JSON));
        headers.forEach(request::header);
        Request built = request.build();
        requireLiteralAllowed(built.url().host());
        try (Response response = client.newCall(built).execute()) {
            return response.code();
        }
    }

    /** An address in place of a name is never resolved, so it is judged here. */
    private void requireLiteralAllowed(String host) throws AddressNotAllowedException {
        InetAddress address;
        try {
            address = InetAddress.ofLiteral(host);
        } catch (IllegalArgumentException e) {
            return;
        }
        if (!guard.mayBeCalled(address)) {
            throw new AddressNotAllowedException(host);
        }
    }

    @Override
    public void destroy() {
        client.dispatcher().executorService().shutdown();
        client.connectionPool().evictAll();
    }
}
