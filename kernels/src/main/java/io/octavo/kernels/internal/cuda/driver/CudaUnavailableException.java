package io.octavo.kernels.internal.cuda.driver;

/** There is no GPU that this build can use; the message is one line that says why. */
public final class CudaUnavailableException extends IllegalStateException {

    private static final long serialVersionUID = 1;

    CudaUnavailableException(String message) {
        super(message);
    }

    CudaUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
