package io.octavo.kernels.internal.cuda;

/**
 * A loaded kernel.
 *
 * @param function the driver's handle
 * @param layout how its parameter struct is laid out
 * @param sharedBytes dynamic shared memory of a block
 */
record Kernel(String name, long function, ParameterLayout layout, int sharedBytes) {

    /** The same with less shared memory. */
    Kernel with(int bytes) {
        if (bytes > sharedBytes) {
            throw new IllegalArgumentException(name + " may have " + sharedBytes + " bytes a block, not " + bytes);
        }
        return new Kernel(name, function, layout, bytes);
    }
}
