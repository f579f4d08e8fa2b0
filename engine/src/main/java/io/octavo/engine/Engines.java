package io.octavo.engine;

import io.octavo.kernels.Backend;
import io.octavo.kernels.Backends;

/** Opens engines. Whoever opens one closes it. */
public final class Engines {

    private Engines() {}

    /**
     * @throws QuantizationException {@code backend-unavailable} if the device was asked for and cannot be had
     */
    public static Engine open(EngineOptions options) {
        return new LocalEngine(backend(options), options.threads());
    }

    private static Backend backend(EngineOptions options) {
        try {
            return Backends.open(options.device(), options.threads());
        } catch (IllegalArgumentException | IllegalStateException e) {
            throw new QuantizationException(
                    ErrorCode.BACKEND_UNAVAILABLE, "device " + options.device() + ": " + e.getMessage(), e);
        }
    }
}
