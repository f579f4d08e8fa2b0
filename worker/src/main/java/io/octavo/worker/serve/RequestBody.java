package io.octavo.worker.serve;

import io.octavo.worker.openai.OpenAiCode;
import io.octavo.worker.openai.OpenAiException;
import jakarta.servlet.http.HttpServletRequest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * A request's JSON as bytes, of which all requests together hold no more than the process can bear. Closing gives the room
 * back.
 */
final class RequestBody implements AutoCloseable {

    private static final int MOST_BYTES = 8 << 20;
    private static final int PIECE_BYTES = 16 << 10;

    private static final Semaphore ROOM = new Semaphore(64 << 20);

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private int reserved;

    /**
     * @param patience for the whole body; the connection's own is for each piece
     * @throws OpenAiException if it is no JSON by its type, too large, or does not come in time
     * @throws IOException if the client is gone
     */
    static RequestBody read(HttpServletRequest request, Duration patience) throws IOException {
        requireJson(request.getContentType());
        if (request.getContentLengthLong() > MOST_BYTES) {
            throw tooLarge();
        }
        var body = new RequestBody();
        try {
            body.fill(request.getInputStream(), patience);
        } catch (IOException | RuntimeException e) {
            body.close();
            throw e;
        }
        return body;
    }

    private void fill(InputStream in, Duration patience) throws IOException {
        long start = System.nanoTime();
        var piece = new byte[PIECE_BYTES];
        try {
            for (int read = in.read(piece); read >= 0; read = in.read(piece)) {
                if (bytes.size() + read > MOST_BYTES) {
                    throw tooLarge();
                }
                if (System.nanoTime() - start > patience.toNanos()) {
                    throw tooSlow();
                }
                reserve(read);
                bytes.write(piece, 0, read);
            }
        } catch (SocketTimeoutException e) {
            throw tooSlow();
        }
    }

    private void reserve(int count) {
        if (!ROOM.tryAcquire(count)) {
            throw new OpenAiException(
                    OpenAiCode.SERVER_OVERLOADED, null, "too much is being sent to this server; try again later");
        }
        reserved += count;
    }

    byte[] bytes() {
        return bytes.toByteArray();
    }

    /** Pages of other sites can send forms and plain text to a server on their reader's machine, but no JSON. */
    private static void requireJson(@Nullable String type) {
        String plain = type == null ? "" : type.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
        if (!plain.equals("application/json")) {
            throw new OpenAiException(
                    OpenAiCode.UNSUPPORTED_MEDIA_TYPE, null, "the body must be of Content-Type application/json");
        }
    }

    private static OpenAiException tooLarge() {
        return new OpenAiException(
                OpenAiCode.REQUEST_TOO_LARGE, null, "the body has more than " + MOST_BYTES + " bytes");
    }

    private static OpenAiException tooSlow() {
        return new OpenAiException(OpenAiCode.REQUEST_TIMEOUT, null, "the body comes too slowly");
    }

    @Override
    public void close() {
        ROOM.release(reserved);
        reserved = 0;
    }
}
