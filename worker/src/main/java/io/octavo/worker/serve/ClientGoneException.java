package io.octavo.worker.serve;

import java.io.IOException;

/** Nobody waits for the answer any more. */
final class ClientGoneException extends IOException {

    private static final long serialVersionUID = 1L;

    ClientGoneException() {
        super("the client has closed its connection");
    }
}
