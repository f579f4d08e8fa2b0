package io.octavo.engine.solve.scale;

import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.QuantizeTiles;
import io.octavo.kernels.quantization.ScaleSearch;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** The scales that a processor finds for a weight, within the reach that its format has. */
final class SearchedScales {

    TileScales choose(float[] weights, float[] importance, WeightFormat format) {
        int columns = format.inFeatures();
        int rows = weights.length / columns;
        int tiles = format.tilesDown(rows) * format.groups();
        var found =
                new TileScales(new float[tiles], new byte[format.quantization().symmetric() ? 0 : tiles]);
        List<DeviceBuffer> buffers = new ArrayList<>();
        try (Backend backend = Backends.cpu(2);
                Stream stream = backend.newStream()) {
            for (long bytes : new long[] {4L * weights.length, 4L * columns, 4L * tiles, tiles}) {
                buffers.add(backend.allocate("test", bytes));
            }
            buffers.get(0).copyFrom(MemorySegment.ofArray(weights), 0, stream);
            buffers.get(1).copyFrom(MemorySegment.ofArray(importance), 0, stream);
            Matrix scales = Matrix.of(buffers.get(2), DType.F32, format.tilesDown(rows), format.groups());
            Matrix zeroPoints = Matrix.of(buffers.get(3), DType.I8, format.tilesDown(rows), format.groups());
            boolean shared = format.tileRows() == Integer.MAX_VALUE;
            var arguments = new ScaleSearch.Arguments(
                    Matrix.of(buffers.get(0), DType.F32, rows, columns),
                    Matrix.of(buffers.get(1), DType.F32, 1, columns),
                    format.codes(),
                    new QuantizeTiles.Tile(format.tileRows(), format.tileColumns()),
                    shared ? format.absmax() : 0,
                    format.quantization().type().divisor(),
                    format.scaleFormat(),
                    format.divisor(),
                    shared ? null : Reaches.of(format),
                    scales,
                    found.zeroPoints().length == 0 ? null : zeroPoints,
                    null);
            backend.operations().scaleSearch().search(arguments, stream);
            scales.buffer().copyTo(MemorySegment.ofArray(found.scales()), 0, stream);
            if (found.zeroPoints().length > 0) {
                zeroPoints.buffer().copyTo(MemorySegment.ofArray(found.zeroPoints()), 0, stream);
            }
            stream.synchronize();
        } finally {
            buffers.forEach(DeviceBuffer::close);
        }
        return found;
    }
}
