package io.octavo.engine.solve;

import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.solve.scale.TileScales;
import io.octavo.engine.solve.scale.WeightFormat;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.QuantizeTiles;
import io.octavo.kernels.quantization.ScaleSearch;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Rounds a whole weight to the nearest codes, in memory: what a scheme does to it where nothing is solved. */
public final class PlainRounding {

    private final Backend backend;
    private final Stream stream;
    private final JobMonitor monitor;

    /** @param monitor asked before each weight whether to stop */
    public PlainRounding(Backend backend, Stream stream, JobMonitor monitor) {
        this.backend = backend;
        this.stream = stream;
        this.monitor = monitor;
    }

    /**
     * @param absmax the largest magnitude of the weight and of all that share its scale
     * @throws JobCancelledException if the monitor asked to stop
     */
    public SolvedWeight round(SolvableWeight weight, float absmax) {
        monitor.checkpoint();
        WeightFormat format = weight.format(absmax);
        int rows = weight.outFeatures();
        int columns = weight.inFeatures();
        int tiles = format.tilesDown(rows);
        var scales = new TileScales(
                new float[tiles * format.groups()],
                new byte[weight.quantization().symmetric() ? 0 : tiles * format.groups()]);
        byte[] codes = new byte[Math.toIntExact(rows * weight.codes().rowBytes(columns))];
        try (DeviceBuffer numbers = buffer(DType.F32, rows, columns);
                DeviceBuffer importance = buffer(DType.F32, 1, columns);
                DeviceBuffer foundScales = buffer(DType.F32, tiles, format.groups());
                DeviceBuffer foundZeroPoints = buffer(DType.I8, tiles, format.groups());
                DeviceBuffer foundCodes = buffer(DType.U8, 1, codes.length)) {
            numbers.copyFrom(MemorySegment.ofArray(weight.rows().read(0, rows)), 0, stream);
            importance.copyFrom(MemorySegment.ofArray(new float[columns]), 0, stream);
            @Nullable Matrix zeroPoints = scales.zeroPoints().length == 0
                    ? null
                    : Matrix.of(foundZeroPoints, DType.I8, tiles, format.groups());
            backend.operations()
                    .scaleSearch()
                    .search(
                            new ScaleSearch.Arguments(
                                    Matrix.of(numbers, DType.F32, rows, columns),
                                    Matrix.of(importance, DType.F32, 1, columns),
                                    weight.codes(),
                                    new QuantizeTiles.Tile(format.tileRows(), format.tileColumns()),
                                    format.sharedAbsmax(),
                                    weight.quantization().type().divisor(),
                                    format.scaleFormat(),
                                    format.divisor(),
                                    null,
                                    Matrix.of(foundScales, DType.F32, tiles, format.groups()),
                                    zeroPoints,
                                    Matrix.of(foundCodes, DType.U8, rows, codes.length / rows)),
                            stream);
            foundScales.copyTo(MemorySegment.ofArray(scales.scales()), 0, stream);
            if (zeroPoints != null) {
                foundZeroPoints.copyTo(MemorySegment.ofArray(scales.zeroPoints()), 0, stream);
            }
            foundCodes.copyTo(MemorySegment.ofArray(codes), 0, stream);
            stream.synchronize();
        }
        return new SolvedWeight(format, weight.codes(), rows, codes, scales);
    }

    private DeviceBuffer buffer(DType type, long rows, long columns) {
        return backend.allocate("rounding", Matrix.bytes(type, rows, columns));
    }
}
