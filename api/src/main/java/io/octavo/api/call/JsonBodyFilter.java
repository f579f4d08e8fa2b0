package io.octavo.api.call;

import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import org.apache.catalina.connector.ClientAbortException;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpHeaders;
import org.springframework.http.InvalidMediaTypeException;
import org.springframework.http.MediaType;
import org.springframework.http.server.PathContainer;
import org.springframework.stereotype.Component;
import org.springframework.web.HttpMediaTypeNotSupportedException;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.servlet.HandlerExceptionResolver;
import org.springframework.web.util.pattern.PathPattern;
import org.springframework.web.util.pattern.PathPatternParser;

/**
 * Reads JSON bodies, which are short, before anything looks at the call; what is longer, or no JSON, is refused. Files
 * stream through to storage unlimited.
 */
@Component
@Order(Ordered.LOWEST_PRECEDENCE - 1)
class JsonBodyFilter extends OncePerRequestFilter {

    /** Of a commit of as many files as one may have, twice over; each value costs far more memory than its byte. */
    private static final int MAX_VALUES = 100_000;

    /** As calls are found by: a slash that is encoded ends no part of a path. */
    private static final PathPattern FILE = path("/api/v1/repositories/{namespace}/{name}/files/{*path}");

    private static final PathPattern UPLOAD = path("/hub/uploads/{sha256}");

    /** The call reads it line by line. */
    private static final PathPattern COMMIT = path("/hub/api/models/{namespace}/{name}/commit/{branch}");

    /** Asked in a form by some clients of the Hub, which the server itself reads, and bounds. */
    private static final PathPattern PATHS = path("/hub/api/models/{namespace}/{name}/paths-info/{revision}");

    private static final PathPattern HUB = path("/hub/{*path}");
    private static final MediaType LFS = MediaType.parseMediaType("application/vnd.git-lfs+json");

    /** Where prompts are sent, which are texts with many commas, and of which no tree is made here. */
    private static final String SERVED = "/serve/";

    /** What every body may have, however many there are. */
    private static final int SHORT = 8 << 10;

    private static final int PIECE = 64 << 10;

    private final int maxBytes;
    private final Semaphore room;
    private final HandlerExceptionResolver problems;

    JsonBodyFilter(
            BodyProperties properties, @Qualifier("handlerExceptionResolver") HandlerExceptionResolver problems) {
        this.maxBytes = Math.toIntExact(properties.maxJsonBody().toBytes());
        this.room = new Semaphore(properties.roomForBodies());
        this.problems = problems;
    }

    @Override
    protected boolean shouldNotFilter(HttpServletRequest request) {
        return switch (request.getMethod()) {
            case "POST" -> isOf(request, COMMIT) || isForm(request);
            case "PUT" -> isOf(request, FILE) || isOf(request, UPLOAD);
            case "DELETE" -> !isOf(request, HUB);
            default -> true;
        };
    }

    private static PathPattern path(String pattern) {
        return PathPatternParser.defaultInstance.parse(pattern);
    }

    private static boolean isOf(HttpServletRequest request, PathPattern calls) {
        return calls.matches(PathContainer.parsePath(request.getRequestURI()));
    }

    private static boolean isForm(HttpServletRequest request) {
        return isOf(request, PATHS)
                && String.valueOf(request.getContentType()).startsWith(MediaType.APPLICATION_FORM_URLENCODED_VALUE);
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        try (var reading = new Reading()) {
            byte[] body;
            try {
                body = reading.read(request.getInputStream());
            } catch (ClientAbortException e) {
                refuse(request, response, e); // nobody reads it, but the log tells who went away
                return;
            }
            filter(request, response, chain, body);
        } catch (NoRoomException e) {
            response.setHeader(HttpHeaders.RETRY_AFTER, "1");
            refuse(
                    request,
                    response,
                    new ProblemException(
                            ProblemCode.RATE_LIMITED,
                            "the service reads as many long bodies as it may; wait as Retry-After says"));
        }
    }

    private void filter(HttpServletRequest request, HttpServletResponse response, FilterChain chain, byte[] body)
            throws ServletException, IOException {
        Optional<Exception> refusal = refusal(request, body);
        if (refusal.isPresent()) {
            refuse(request, response, refusal.get());
        } else {
            chain.doFilter(new ReadRequest(request, body), response);
        }
    }

    private Optional<Exception> refusal(HttpServletRequest request, byte[] body) {
        if (body.length > maxBytes) {
            return Optional.of(tooLarge("the body has more than " + maxBytes + " bytes"));
        }
        boolean served = request.getServletPath().startsWith(SERVED);
        if (!served && values(body) > MAX_VALUES) {
            return Optional.of(tooLarge("the body has more than " + MAX_VALUES + " values"));
        }
        if (body.length > 0 && !isJson(request.getContentType())) {
            String given = request.getContentType() == null
                    ? "and no Content-Type was given"
                    : "not of " + request.getContentType();
            return Optional.of(new HttpMediaTypeNotSupportedException(
                    "the body must be of " + MediaType.APPLICATION_JSON + ", " + given,
                    List.of(MediaType.APPLICATION_JSON)));
        }
        return (served ? Optional.<String>empty() : Utf8.fault(body))
                .<Exception>map(fault -> new ProblemException(
                        ProblemCode.INVALID_REQUEST, "the body is not the JSON that is expected: " + fault));
    }

    private static ProblemException tooLarge(String detail) {
        return new ProblemException(ProblemCode.BODY_TOO_LARGE, detail);
    }

    /** Of bodies that are read at once those together which are long: their senders may take as long as they like. */
    private final class Reading implements AutoCloseable {

        private int held;

        byte[] read(InputStream in) throws IOException, NoRoomException {
            List<byte[]> pieces = new ArrayList<>();
            int length = 0;
            int wanted = SHORT;
            byte[] piece;
            do {
                if (length > 0) {
                    take(wanted);
                }
                piece = in.readNBytes(wanted);
                pieces.add(piece);
                length += piece.length;
                if (piece.length < wanted) {
                    break;
                }
                wanted = Math.min(PIECE, maxBytes + 1 - length);
            } while (wanted > 0);
            ByteBuffer whole = ByteBuffer.allocate(length);
            pieces.forEach(whole::put);
            return whole.array();
        }

        private void take(int bytes) throws NoRoomException {
            if (!room.tryAcquire(bytes)) {
                throw new NoRoomException();
            }
            held += bytes;
        }

        @Override
        public void close() {
            room.release(held);
        }
    }

    private static final class NoRoomException extends Exception {

        private static final long serialVersionUID = 1L;
    }

    /** As many as there are at most: some of these stand in texts. */
    private static int values(byte[] json) {
        int count = 0;
        for (byte one : json) {
            count += one == ',' || one == '[' || one == '{' ? 1 : 0;
        }
        return count;
    }

    private void refuse(HttpServletRequest request, HttpServletResponse response, Exception refusal) {
        problems.resolveException(request, response, null, refusal);
    }

    private static boolean isJson(@Nullable String type) {
        try {
            MediaType named = MediaType.parseMediaType(String.valueOf(type));
            return (MediaType.APPLICATION_JSON.equalsTypeAndSubtype(named) || LFS.equalsTypeAndSubtype(named))
                    && (named.getCharset() == null || named.getCharset().equals(StandardCharsets.UTF_8));
        } catch (InvalidMediaTypeException e) {
            return false;
        }
    }

    /** Whose body can be read more than once. */
    private static final class ReadRequest extends HttpServletRequestWrapper {

        private final byte[] body;

        ReadRequest(HttpServletRequest request, byte[] body) {
            super(request);
            this.body = body;
        }

        @Override
        public ServletInputStream getInputStream() {
            return new ReadStream(new ByteArrayInputStream(body));
        }
    }

    private static final class ReadStream extends ServletInputStream {

        private final ByteArrayInputStream body;

        ReadStream(ByteArrayInputStream body) {
            this.body = body;
        }

        @Override
        public int read() {
            return body.read();
        }

        @Override
        public int read(byte[] buffer, int offset, int length) {
            return body.read(buffer, offset, length);
        }

        @Override
        public boolean isFinished() {
            return body.available() == 0;
        }

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public void setReadListener(ReadListener listener) {
            throw new IllegalStateException("all of the body is here already");
        }
    }
}
