package io.octavo.cli.client;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;

/** No answer came from the server, after all tries. */
public final class ServerUnreachableException extends RuntimeException {

    ServerUnreachableException(URI server, IOException cause) {
        super("no answer from " + server + " (" + reason(cause) + ")", cause);
    }

    private static String reason(IOException cause) {
        if (cause instanceof ConnectException) {
            return "cannot connect";
        }
        String message = cause.getMessage();
        return message == null ? cause.getClass().getSimpleName() : message;
    }
}
