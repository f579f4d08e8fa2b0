/**
 * The NVIDIA driver through JCuda: memory, streams, modules and launches.
 *
 * <p>Entry class: {@link io.octavo.kernels.internal.cuda.driver.GpuDriver}, which types all failures. It and {@code DriverMemory},
 * {@code DriverStreams} and {@code DriverModules} alone call the driver; {@code Handles} alone names JCuda's types beside them.
 * {@code DeviceMemory} and {@code PinnedMemory} own memory; {@code KernelLibrary} loads what the build compiled.
 */
@NullMarked
package io.octavo.kernels.internal.cuda.driver;

import org.jspecify.annotations.NullMarked;
