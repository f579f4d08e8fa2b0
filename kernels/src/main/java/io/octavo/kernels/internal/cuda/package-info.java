/**
 * NVIDIA GPUs: the driver through JCuda, kernels from {@code src/main/cuda}, one launcher class an operation.
 *
 * <p>Entry class: {@link io.octavo.kernels.internal.cuda.CudaBackend}. JCuda types do not leave this package. {@code
 * GpuDriver} alone calls the driver and types its failures; {@code DeviceMemory} and {@code PinnedMemory} own memory;
 * {@code KernelLibrary} loads what the build compiled.
 */
@NullMarked
package io.octavo.kernels.internal.cuda;

import org.jspecify.annotations.NullMarked;
