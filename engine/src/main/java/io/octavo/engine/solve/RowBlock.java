package io.octavo.engine.solve;

import io.octavo.engine.solve.scale.ScaleSource;
import io.octavo.engine.solve.scale.TileScales;
import io.octavo.engine.solve.scale.WeightFormat;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.CodeRefinement;
import io.octavo.kernels.quantization.GptqSweep;
import io.octavo.kernels.quantization.QuantizeTiles;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Some rows of a weight. Codes lie one a byte until they are kept. */
final class RowBlock implements AutoCloseable {

    private static final int MOST_SWEEPS = 12;

    /** About a second of a processor's work. */
    private static final long SWEPT_NUMBERS = 1L << 32;

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
        @Nullable
        Matrix shifts =
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

    double loss() {
        return improve(0);
    }

    /** @return the loss afterwards */
    double refine() {
        return improve(MOST_SWEEPS);
    }

    /** Some rows at a time, as long as asking whether to stop may wait. */
    private double improve(int sweeps) {
        int unit = Math.min(format.tileRows(), rows);
        long each =
                sweeps == 0 ? rows : input.backend().computeCapability() > 0 ? rows : SWEPT_NUMBERS / columns / columns;
        int step = (int) Math.clamp(each / unit * unit, unit, rows);
        double loss = 0;
        for (int from = 0; from < rows; from += step) {
            input.tasks().checkpoint();
            loss += improve(sweeps, from, Math.min(from + step, rows));
        }
        return loss;
    }

    private double improve(int sweeps, int from, int to) {
        int firstTile = tile(from, 0);
        int tiles = format.tilesDown(to - from) * format.groups();
        byte[] before = CodeRows.pack(Arrays.copyOfRange(codes, from * columns, to * columns), stored);
        MemorySegment own =
                MemorySegment.ofArray(scales).asSlice((long) firstTile * Float.BYTES, (long) tiles * Float.BYTES);
        Matrix packed = place(DType.U8, to - from, stored.rowBytes(columns), MemorySegment.ofArray(before));
        Matrix placed = place(DType.F32, tiles / format.groups(), format.groups(), own);
        Matrix losses = allocate(DType.F32, 1, to - from);
        MemorySegment ownNumbers = MemorySegment.ofArray(numbers)
                .asSlice((long) from * columns * Float.BYTES, (long) (to - from) * columns * Float.BYTES);
        @Nullable
        Matrix shifts = zeroPoints.length == 0
                ? null
                : place(
                        DType.I8,
                        placed.rows(),
                        placed.columns(),
                        MemorySegment.ofArray(zeroPoints).asSlice(firstTile, tiles));
        input.backend()
                .operations()
                .codeRefinement()
                .refine(
                        new CodeRefinement.Arguments(
                                place(DType.F32, to - from, columns, ownNumbers),
                                input.moments(),
                                stored,
                                new QuantizeTiles.Tile(format.tileRows(), format.tileColumns()),
                                format.scaleFormat(),
                                format.divisor(),
                                placed,
                                shifts,
                                packed,
                                sweeps,
                                losses),
                        input.stream());
        float[] found = new float[to - from];
        losses.buffer().copyTo(MemorySegment.ofArray(found), 0, input.stream());
        if (sweeps > 0) {
            packed.buffer().copyTo(MemorySegment.ofArray(before), 0, input.stream());
            placed.buffer().copyTo(own, 0, input.stream());
        }
        input.stream().synchronize();
        if (sweeps > 0) {
            byte[] after = CodeRows.unpack(before, stored);
            System.arraycopy(after, 0, codes, from * columns, after.length);
        }
        release();
        double loss = 0;
        for (float part : found) {
            loss += part;
        }
        return loss;
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
