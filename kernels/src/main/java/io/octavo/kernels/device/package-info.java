/**
 * Memory of a device, and the order of work on it.
 *
 * <p>Entry class: {@link io.octavo.kernels.device.Matrix}, a view of a {@link io.octavo.kernels.device.DeviceBuffer}. Work is
 * ordered by {@link io.octavo.kernels.device.Stream}s.
 */
@NullMarked
package io.octavo.kernels.device;

import org.jspecify.annotations.NullMarked;
