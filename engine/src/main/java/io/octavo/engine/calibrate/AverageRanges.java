package io.octavo.engine.calibrate;

import io.octavo.engine.calibrate.ActivationRanges.Range;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.HostMemory;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;

/** Means of the ranges that texts showed: {@code mean += share * (text - mean)}, from the first text's on. */
final class AverageRanges implements InputRanges {

    /** As LLM Compressor's {@code minmax} observer takes it. */
    private static final float SHARE = 0.01f;

    private final Backend backend;
    private final DeviceBuffer range;
    private final HostMemory host;
    private final Map<String, Range> means = new HashMap<>();

    AverageRanges(Backend backend) {
        this.backend = backend;
        this.range = backend.allocate("calibration", 2L * Float.BYTES);
        this.host = backend.allocateHost(2L * Float.BYTES);
    }

    @Override
    public void input(String module, Matrix activations, Stream stream) {
        range.fill((byte) 0, stream);
        backend.operations().observeRange().observe(activations, Matrix.of(range, DType.F32, 1, 2), stream);
        range.copyTo(host.segment(), 0, stream);
        stream.synchronize();
        float min = host.segment().get(ValueLayout.JAVA_FLOAT, 0);
        float max = host.segment().get(ValueLayout.JAVA_FLOAT, Float.BYTES);
        if (Float.isFinite(min) && Float.isFinite(max)) {
            means.merge(module, new Range(min, max), AverageRanges::moved);
        }
    }

    private static Range moved(Range mean, Range text) {
        return new Range(
                mean.min() + SHARE * (text.min() - mean.min()), mean.max() + SHARE * (text.max() - mean.max()));
    }

    @Override
    public Map<String, Range> ranges(Map<String, Range> shown, Stream stream) {
        return means;
    }

    @Override
    public void close() {
        range.close();
        host.close();
    }
}
