package io.octavo.kernels.internal.cuda.driver;

/** A .cu file: its kernels, and the numbers that it tells launchers. */
public interface KernelFile {

    /**
     * A number that the file exports.
     *
     * @param name as it is spelled there
     * @throws IllegalStateException if it exports no such number
     */
    int constant(String name);

    /** The kernel {@code name}, with the dynamic shared memory that the file says. */
    Kernel kernel(String name);

    /** @param sharedBytes most dynamic shared memory that a block of it gets */
    Kernel kernel(String name, int sharedBytes);
}
