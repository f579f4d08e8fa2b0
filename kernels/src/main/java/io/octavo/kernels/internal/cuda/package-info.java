/**
 * One NVIDIA GPU as a device.
 *
 * <p>Entry class: {@link io.octavo.kernels.internal.cuda.CudaBackend}. Launchers lie in packages named as those of their operations;
 * JCuda types do not leave {@code driver}. Kernels are those of {@code src/main/cuda}.
 */
@NullMarked
package io.octavo.kernels.internal.cuda;

import org.jspecify.annotations.NullMarked;
