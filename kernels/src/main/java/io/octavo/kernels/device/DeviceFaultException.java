package io.octavo.kernels.device;

/**
 * The device or its driver failed in a way that this process cannot recover from: every later call on the backend fails
 * the same way, and results of earlier asynchronous work are lost. Whoever runs jobs gives them back and ends the
 * process.
 */
public final class DeviceFaultException extends RuntimeException {

    private static final long serialVersionUID = 1;

    public DeviceFaultException(String message) {
        super(message);
    }
}
