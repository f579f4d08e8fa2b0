package io.octavo.engine.calibrate;

import io.octavo.engine.calibrate.ActivationRanges.Range;
import io.octavo.engine.request.InputObserver;
import io.octavo.engine.transformer.ActivationObserver;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import java.util.Map;

/** Sees inputs, and tells in the end which range each of them gets instead of all that it showed. */
interface InputRanges extends ActivationObserver, AutoCloseable {

    /**
     * @param shown the smallest and largest of all, by module
     * @return by module
     */
    Map<String, Range> ranges(Map<String, Range> shown, Stream stream);

    @Override
    void close();

    static InputRanges of(InputObserver observer, Backend backend) {
        return switch (observer) {
            case MINMAX -> new All();
            case MOVING_AVERAGE -> new AverageRanges(backend);
            case PERCENTILE, MSE -> new ClippedRanges(backend, observer);
        };
    }

    /** All that was shown. */
    final class All implements InputRanges {

        @Override
        public void input(String module, Matrix activations, Stream stream) {}

        @Override
        public Map<String, Range> ranges(Map<String, Range> shown, Stream stream) {
            return shown;
        }

        @Override
        public void close() {}
    }
}
