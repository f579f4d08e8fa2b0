package io.octavo.engine.solve;

import io.octavo.engine.solve.scale.ScaleSource;
import io.octavo.engine.solve.scale.TileScales;
import io.octavo.engine.solve.scale.WeightFormat;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.GptqSweep;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Some rows of a weight. Codes lie one a byte until they are kept. */
final class RowBlock implements AutoCloseable {

    private final SolverInput input;

    private final WeightFormat format;
    private final CodeFormat stored;
    private final float[] numbers;
    private final int columns;
    private final int rows;
    private final byte[] codes;
    private final float[] scales;
    private final byte[] zeroPoints;
    private final List<DeviceBuffer> own = new ArrayList<>();

    RowBlock(SolverInput input, WeightFormat format, CodeFormat stored, float[] numbers) {
        this.input = input;
        this.format = format;
        this.stored = stored;
        this.numbers = numbers;
        this.columns = format.inFeatures();
        this.rows = numbers.length / columns;
        this.codes = new byte[numbers.length];
        this.scales = new float[format.tilesDown(rows) * format.groups()];
        this.zeroPoints = new byte[format.quantization().symmetric() ? 0 : scales.length];
    }

    void choose(ScaleSource from) {
        int unit = Math.min(format.tileRows(), rows);
        input.tasks().run(rows, unit, (begin, end) -> {
            TileScales chosen = from.choose(
                    Arrays.copyOfRange(numbers, begin * columns, end * columns), input.importance(), format);
            tileScales().put(chosen, tile(begin, 0));
        });
    }

    private int tile(int row, int column) {
        return row / format.tileRows() * format.groups() + column / format.tileColumns();
    }

    private float scale(int tile) {
        return scales[tile] * (1 / format.divisor());
    }

    private int zeroPoint(int tile) {
        return zeroPoints.length == 0 ? 0 : zeroPoints[tile];
    }

    /** To the nearest codes. */
    void round() {
        input.tasks().run(rows, 1, (from, to) -> {
            for (int i = from * columns; i < to * columns; i++) {
                int tile = tile(i / columns, i % columns);
                codes[i] = (byte) format.codes().code(numbers[i] / scale(tile), zeroPoint(tile));
            }
        });
    }

    /** By GPTQ. */
    void sweep() {
        HessianFactor inverse = input.factor().orElseThrow();
        int groups = format.groups();
        float[] rowScales = new float[rows * groups];
        byte[] rowZeroPoints = new byte[zeroPoints.length == 0 ? 0 : rowScales.length];
        for (int i = 0; i < rowScales.length; i++) {
            int tile = tile(i / groups, i % groups * format.tileColumns());
            rowScales[i] = scale(tile);
            if (rowZeroPoints.length > 0) {
                rowZeroPoints[i] = zeroPoints[tile];
            }
        }
        Matrix weights = place(DType.F32, rows, columns, MemorySegment.ofArray(numbers));
        Matrix packed = allocate(DType.U8, rows, stored.rowBytes(columns));
        @Nullable Matrix shifts =
                rowZeroPoints.length == 0 ? null : place(DType.I8, rows, groups, MemorySegment.ofArray(rowZeroPoints));
        input.backend()
                .operations()
                .gptqSweep()
                .quantize(
                        new GptqSweep.Arguments(
                                weights,
                                inverse.factor(),
                                inverse.order(),
                                stored,
                                place(DType.F32, rows, groups, MemorySegment.ofArray(rowScales)),
                                shifts,
                                format.tileColumns(),
                                packed,
                                allocate(DType.F32, 1, rows)),
                        input.stream());
        byte[] found = new byte[Math.toIntExact(packed.bytes())];
        packed.buffer().copyTo(MemorySegment.ofArray(found), 0, input.stream());
        input.stream().synchronize();
        byte[] unpacked = CodeRows.unpack(found, stored);
        System.arraycopy(unpacked, 0, codes, 0, codes.length);
        release();
    }

    /** What rounding changed. */
    private float[] differences() {
        float[] differences = new float[numbers.length];
        input.tasks().run(rows, 1, (from, to) -> {
            for (int i = from * columns; i < to * columns; i++) {
                int tile = tile(i / columns, i % columns);
                float code = format.quantization().type().number(codes[i]) - zeroPoint(tile);
                differences[i] = numbers[i] - code * scale(tile);
            }
        });
        return differences;
    }

    /** Each row of differences times the second moments. */
    private float[] gradients(float[] differences) {
        Matrix d = place(DType.F32, rows, columns, MemorySegment.ofArray(differences));
        Matrix out = allocate(DType.F32, rows, columns);
        input.backend()
                .operations()
                .matMul()
                .multiply(ScaledMatrix.plain(d), ScaledMatrix.plain(input.moments()), out, input.stream());
        float[] gradients = new float[numbers.length];
        out.buffer().copyTo(MemorySegment.ofArray(gradients), 0, input.stream());
        input.stream().synchronize();
        release();
        return gradients;
    }

    /** {@code d h d^T} of every row. */
    private double[] losses(float[] differences, float[] gradients) {
        double[] losses = new double[rows];
        input.tasks().run(rows, 1, (from, to) -> {
            for (int i = from * columns; i < to * columns; i++) {
                losses[i / columns] += (double) differences[i] * gradients[i];
            }
        });
        return losses;
    }

    double loss() {
        float[] differences = differences();
        return Arrays.stream(losses(differences, gradients(differences))).sum();
    }

    /** @return the loss afterwards */
    double refine() {
        float[] differences = differences();
        float[] gradients = gradients(differences);
        double[] losses = losses(differences, gradients);
        input.tasks().run(rows, 1, (from, to) -> {
            var refinement = new Refinement(input.h(), format);
            for (int row = from; row < to; row++) {
                float[] gradient = Arrays.copyOfRange(gradients, row * columns, (row + 1) * columns);
                refinement.refine(gradient, losses[row], codes, row * columns, scales, zeroPoints, tile(row, 0));
            }
        });
        return loss();
    }

    /** @return the codes as they are stored */
    byte[] packed() {
        return CodeRows.pack(codes, stored);
    }

    /** As they are now; not a copy. */
    TileScales tileScales() {
        return new TileScales(scales, zeroPoints);
    }

    private Matrix allocate(DType type, long height, long width) {
        DeviceBuffer buffer = input.backend().allocate("gptq", Matrix.bytes(type, height, width));
        own.add(buffer);
        return Matrix.of(buffer, type, height, width);
    }

    private Matrix place(DType type, long height, long width, MemorySegment host) {
        Matrix placed = allocate(type, height, width);
        placed.buffer().copyFrom(host, 0, input.stream());
        return placed;
    }

    private void release() {
        own.forEach(DeviceBuffer::close);
        own.clear();
    }

    @Override
    public void close() {
        input.stream().synchronize();
        release();
    }
}
