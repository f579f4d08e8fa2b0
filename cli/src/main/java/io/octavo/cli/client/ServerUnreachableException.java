package io.octavo.cli.client;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import javax.net.ssl.SSLHandshakeException;

/** No answer came from the server, after all tries. */
public final class ServerUnreachableException extends RuntimeException {

    ServerUnreachableException(URI server, IOException cause) {
        super("no answer from " + server + " (" + reason(cause) + ")", cause);
    }

    private static String reason(IOException cause) {
        if (cause instanceof ConnectException) {
            return "cannot connect";
        }
        if (cause instanceof SSLHandshakeException) {
            return "its certificate is not trusted; --ca names a file with the one that signed it";
        }
        String message = cause.getMessage();
        return message == null ? cause.getClass().getSimpleName() : message;
    }
}
