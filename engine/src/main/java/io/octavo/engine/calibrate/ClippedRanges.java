package io.octavo.engine.calibrate;

import io.octavo.engine.calibrate.ActivationRanges.Range;
import io.octavo.engine.request.InputObserver;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.HostMemory;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;

/** Ranges without the largest magnitudes, by how magnitudes are spread. */
final class ClippedRanges implements InputRanges {

    private static final int BINS = 8192;

    /** How much larger than the first text's largest number others may be and still have a bin of their own. */
    private static final float HEADROOM = 4;

    private static final double PERCENTILE = 0.9999;

    /** From zero to the largest of 8-bit integers. */
    private static final double STEPS = 127.5;

    private final Backend backend;
    private final InputObserver kind;
    private final Map<String, Counts> byModule = new HashMap<>();

    private record Counts(DeviceBuffer buffer, float end) {

        Matrix matrix() {
            return Matrix.of(buffer, DType.I64, 1, BINS + 1L);
        }
    }

    /** @param kind percentile or mse */
    ClippedRanges(Backend backend, InputObserver kind) {
        this.backend = backend;
        this.kind = kind;
    }

    @Override
    public void input(String module, Matrix activations, Stream stream) {
        Counts counts = byModule.get(module);
        if (counts == null) {
            float absmax = absmax(activations, stream);
            if (!(absmax > 0 && Float.isFinite(HEADROOM * absmax))) {
                return;
            }
            DeviceBuffer buffer = backend.allocate("calibration", Matrix.bytes(DType.I64, 1, BINS + 1L));
            counts = new Counts(buffer, HEADROOM * absmax);
            byModule.put(module, counts);
        }
        backend.operations().observeHistogram().observe(activations, counts.end, counts.matrix(), stream);
    }

    private float absmax(Matrix activations, Stream stream) {
        try (DeviceBuffer range = backend.allocate("calibration", 2L * Float.BYTES);
                HostMemory host = backend.allocateHost(2L * Float.BYTES)) {
            backend.operations().observeRange().observe(activations, Matrix.of(range, DType.F32, 1, 2), stream);
            range.copyTo(host.segment(), 0, stream);
            stream.synchronize();
            return Math.max(
                    -host.segment().get(ValueLayout.JAVA_FLOAT, 0),
                    host.segment().get(ValueLayout.JAVA_FLOAT, Float.BYTES));
        }
    }

    @Override
    public Map<String, Range> ranges(Map<String, Range> shown, Stream stream) {
        var clipped = new HashMap<String, Range>();
        byModule.forEach((module, counts) -> {
            Range whole = shown.get(module);
            if (whole != null) {
                float limit = (float) limit(read(counts, stream), whole.absmax());
                clipped.put(module, new Range(-Math.min(-whole.min(), limit), Math.min(whole.max(), limit)));
            }
        });
        return clipped;
    }

    private double limit(MagnitudeHistogram histogram, double absmax) {
        return kind == InputObserver.MSE ? histogram.leastError(STEPS, absmax) : histogram.percentile(PERCENTILE);
    }

    private MagnitudeHistogram read(Counts counts, Stream stream) {
        try (HostMemory host = backend.allocateHost(counts.matrix().bytes())) {
            counts.buffer.copyTo(host.segment(), 0, stream);
            stream.synchronize();
            return new MagnitudeHistogram(host.segment().toArray(ValueLayout.JAVA_LONG), (double) counts.end / BINS);
        }
    }

    @Override
    public void close() {
        byModule.values().forEach(counts -> counts.buffer.close());
    }
}
