package io.octavo.kernels;

import io.octavo.kernels.backend.Backend;

/** A backend does not have an operation that others have. */
public final class OperationUnavailableException extends UnsupportedOperationException {

    private static final long serialVersionUID = 1;

    /**
     * @param backend its {@link Backend#name()}
     * @param operation the interface of the operation
     */
    public OperationUnavailableException(String backend, Class<?> operation) {
        super("the " + backend + " backend has no " + operation.getSimpleName() + " yet");
    }
}
