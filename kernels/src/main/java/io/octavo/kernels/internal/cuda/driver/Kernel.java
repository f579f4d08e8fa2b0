package io.octavo.kernels.internal.cuda.driver;

/**
 * A loaded kernel.
 *
 * @param function the driver's handle
 * @param layout how its parameter struct is laid out
 * @param threads of a block, as its file says; 0 where the launcher chooses them
 * @param sharedBytes dynamic shared memory of a block
 */
public record Kernel(String name, long function, ParameterLayout layout, int threads, int sharedBytes) {

    /** The same with less shared memory. */
    public Kernel with(int bytes) {
        if (bytes > sharedBytes) {
            throw new IllegalArgumentException(name + " may have " + sharedBytes + " bytes a block, not " + bytes);
        }
        return new Kernel(name, function, layout, threads, bytes);
    }
}
