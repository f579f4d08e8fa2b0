package io.octavo.kernels.internal.cuda;

/**
 * A loaded kernel.
 *
 * @param function the driver's handle
 * @param layout how its parameter struct is laid out
 * @param sharedBytes dynamic shared memory of a block
 */
record Kernel(String name, long function, ParameterLayout layout, int sharedBytes) {}
