/**
 * The NVIDIA driver through JCuda: memory, streams, modules and launches.
 *
 * <p>Entry class: {@link io.octavo.kernels.internal.cuda.driver.GpuDriver}, which alone calls the driver and types its failures.
 * {@code DeviceMemory} and {@code PinnedMemory} own memory; {@code KernelLibrary} loads what the build compiled.
 */
@NullMarked
package io.octavo.kernels.internal.cuda.driver;

import org.jspecify.annotations.NullMarked;
