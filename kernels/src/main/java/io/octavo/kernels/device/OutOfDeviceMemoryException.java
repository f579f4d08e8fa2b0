package io.octavo.kernels.device;

/** A device has too little free memory for an allocation; the message names its owner and the sizes. */
public final class OutOfDeviceMemoryException extends IllegalStateException {

    private static final long serialVersionUID = 1;

    public OutOfDeviceMemoryException(String message) {
        super(message);
    }
}
