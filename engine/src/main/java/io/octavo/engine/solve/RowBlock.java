package io.octavo.engine.solve;

import io.octavo.engine.solve.scale.Reaches;
import io.octavo.engine.solve.scale.TileScales;
import io.octavo.engine.solve.scale.WeightFormat;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.CodeRefinement;
import io.octavo.kernels.quantization.GptqSweep;
import io.octavo.kernels.quantization.QuantizeTiles;
import io.octavo.kernels.quantization.ScaleSearch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Some rows of a weight, on the device, with the scales and codes that they have by now; or whole weights of several inputs, as
 * many rows of each.
 */
final class RowBlock implements AutoCloseable {

    private static final int MOST_SWEEPS = 12;

    /** About a second of a processor's work: as long as asking whether to stop may wait. */
    private static final long SWEPT_NUMBERS = 1L << 32;

    /** Like that of weights, which a GPU takes to refine codes: gradients, products and changes; and the codes, each a byte. */
    private static final int REFINING_MATRICES = 3;

    private final SolverInput input;
    private final WeightFormat format;
    private final CodeFormat stored;
    private final QuantizeTiles.Tile tile;
    private final int rows;
    private final int columns;
    private final int tilesDown;
    private final Matrix weights;
    private final Matrix codes;
    private final Matrix scales;
    private final @Nullable Matrix zeroPoints;
    private final Deque<DeviceBuffer> own = new ArrayDeque<>();

    /** Rows {@code [from, to)} of a weight. */
    record Span(SolvableWeight weight, int from, int to) {

        int rows() {
            return to - from;
        }
    }

    /** @param spans of weights of that format, one below the other: whole rows of tiles but for the last */
    RowBlock(SolverInput input, WeightFormat format, CodeFormat stored, List<Span> spans) {
        this.input = input;
        this.format = format;
        this.stored = stored;
        this.tile = new QuantizeTiles.Tile(format.tileRows(), format.tileColumns());
        this.columns = format.inFeatures();
        this.rows = spans.stream().mapToInt(Span::rows).sum();
        this.tilesDown = format.tilesDown(rows);
        try {
            this.weights = allocate(DType.F32, rows, columns);
            int first = 0;
            for (Span span : spans) {
                read(span, weights.rows(first, first + span.rows()));
                first += span.rows();
            }
            this.codes = allocate(DType.U8, rows, stored.rowBytes(columns));
            this.scales = allocate(DType.F32, tilesDown, format.groups());
            this.zeroPoints = format.quantization().symmetric() ? null : allocate(DType.I8, tilesDown, format.groups());
        } catch (RuntimeException e) {
            release(0);
            throw e;
        }
    }

    /** As they are stored, if that can be, and made F32 on the device. */
    private void read(Span span, Matrix target) {
        try (Arena arena = Arena.ofShared()) {
            Optional<MemorySegment> numbers = span.weight().rows().stored(span.from(), span.to(), arena);
            if (numbers.isEmpty()) {
                float[] read = span.weight().rows().read(span.from(), span.to());
                target.buffer().copyFrom(MemorySegment.ofArray(read), target.offset(), input.stream());
                input.stream().synchronize();
                return;
            }
            int before = own.size();
            own.push(input.backend().place("gptq", numbers.get(), input.stream()));
            Matrix placed = Matrix.of(own.getFirst(), span.weight().dtype(), span.rows(), columns);
            int[] order = IntStream.range(0, span.rows()).toArray();
            Matrix ids = place(DType.I32, 1, span.rows(), MemorySegment.ofArray(order));
            input.backend().operations().embedding().gather(placed, ids, 1, target, input.stream());
            release(before);
        }
    }

    /**
     * Memory of the backend that a block takes, at most.
     *
     * @param corrected whether weights are changed for what the original model gives
     * @param gpu whether operations have scratch of their own
     */
    static long bytes(WeightFormat format, CodeFormat stored, int rows, boolean corrected, boolean gpu) {
        int columns = format.inFeatures();
        int zeroPoint = format.quantization().symmetric() ? 0 : 1;
        long numbers = Matrix.bytes(DType.F32, rows, columns);
        long tiles = (long) format.tilesDown(rows) * format.groups();
        long own = numbers + rows * stored.rowBytes(columns) + tiles * (Float.BYTES + zeroPoint);
        long sweeping = (long) rows * (format.groups() * (Float.BYTES + zeroPoint) + Float.BYTES);
        long refining = gpu ? REFINING_MATRICES * numbers + (long) rows * columns : 0;
        long reading = rows * (Matrix.bytes(format.dtype(), 1, columns) + Integer.BYTES);
        return own
                + Math.max(
                        reading,
                        Math.max(
                                corrected ? numbers + InputCorrection.productBytes(rows, columns, gpu) : 0,
                                Math.max(sweeping, refining)));
    }

    /** To the nearest codes under the scales of the largest numbers. */
    void round() {
        choose(null, codes);
    }

    /** @param searched whether scales are those that rounding costs least under, or those of the largest numbers */
    void chooseScales(boolean searched) {
        // What all rows share was decided before.
        choose(searched && format.sharedAbsmax() == 0 ? Reaches.of(format) : null, null);
    }

    private void choose(ScaleSearch.@Nullable Reach reach, @Nullable Matrix target) {
        input.backend()
                .operations()
                .scaleSearch()
                .search(
                        new ScaleSearch.Arguments(
                                weights,
                                input.importance(),
                                stored,
                                tile,
                                format.sharedAbsmax(),
                                format.quantization().type().divisor(),
                                format.scaleFormat(),
                                format.divisor(),
                                reach,
                                scales,
                                zeroPoints,
                                target),
                        input.stream());
    }

    /** From now on the numbers are those that give most of what the original ones give on original inputs. */
    void correct() {
        input.correction().ifPresent(correction -> {
            int before = own.size();
            Matrix changes = allocate(DType.F32, rows, columns);
            input.backend()
                    .operations()
                    .matMul()
                    .multiply(
                            ScaledMatrix.plain(weights),
                            ScaledMatrix.plain(correction.transposed()),
                            changes,
                            input.stream());
            input.backend().operations().add().accumulate(weights, changes, input.stream());
            input.stream().synchronize();
            release(before);
        });
    }

    /** By GPTQ. */
    void sweep() {
        HessianFactor inverse = input.factor().orElseThrow();
        TileScales chosen = tileScales();
        int groups = format.groups();
        float[] rowScales = new float[rows * groups];
        byte[] rowZeroPoints = new byte[zeroPoints == null ? 0 : rowScales.length];
        for (int i = 0; i < rowScales.length; i++) {
            int at = i / groups / format.tileRows() * groups + i % groups;
            rowScales[i] = chosen.scales()[at] * (1 / format.divisor());
            if (rowZeroPoints.length > 0) {
                rowZeroPoints[i] = chosen.zeroPoints()[at];
            }
        }
        int before = own.size();
        @Nullable Matrix shifts = zeroPoints == null ? null : place(DType.I8, rows, groups, MemorySegment.ofArray(rowZeroPoints));
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
                                codes,
                                allocate(DType.F32, 1, rows)),
                        input.stream());
        release(before);
    }

    /** Of each row. */
    float[] losses() {
        return improve(0);
    }

    /** @return the losses afterwards */
    float[] refine() {
        return improve(MOST_SWEEPS);
    }

    /** All rows at once on a device of its own, some at a time on a processor. */
    private float[] improve(int sweeps) {
        boolean atOnce = sweeps == 0 || input.backend().computeCapability() > 0;
        int before = own.size();
        Matrix losses = allocate(DType.F32, 1, rows);
        if (atOnce) {
            input.monitor().checkpoint();
            improve(sweeps, 0, rows, input.moments(), losses);
        } else {
            int inputs = input.inputs();
            for (int i = 0; i < inputs; i++) {
                improveSome(
                        sweeps,
                        rows / inputs * i,
                        rows / inputs * (i + 1),
                        input.moments().part(i, inputs),
                        losses);
            }
        }
        float[] found = new float[rows];
        losses.buffer().copyTo(MemorySegment.ofArray(found), 0, input.stream());
        input.stream().synchronize();
        release(before);
        return found;
    }

    private void improveSome(int sweeps, int first, int end, Matrix moments, Matrix losses) {
        int unit = Math.min(format.tileRows(), end - first);
        int step = Math.clamp(SWEPT_NUMBERS / columns / columns / unit * unit, unit, end - first);
        for (int from = first; from < end; from += step) {
            input.monitor().checkpoint();
            improve(sweeps, from, Math.min(from + step, end), moments, losses);
        }
    }

    private void improve(int sweeps, int from, int to, Matrix moments, Matrix losses) {
        int firstTile = from / format.tileRows();
        int lastTile = firstTile + format.tilesDown(to - from);
        input.backend()
                .operations()
                .codeRefinement()
                .refine(
                        new CodeRefinement.Arguments(
                                weights.rows(from, to),
                                moments,
                                stored,
                                tile,
                                format.scaleFormat(),
                                format.divisor(),
                                scales.rows(firstTile, lastTile),
                                zeroPoints == null ? null : zeroPoints.rows(firstTile, lastTile),
                                codes.rows(from, to),
                                sweeps,
                                losses.reshape(rows, 1).rows(from, to).reshape(1, to - from)),
                        input.stream());
    }

    /** Copies the codes of all rows, as they are stored, to {@code target} from {@code at} on. */
    void readCodes(byte[] target, int at) {
        MemorySegment found = MemorySegment.ofArray(target).asSlice(at, codes.bytes());
        codes.buffer().copyTo(found, codes.offset(), input.stream());
        input.stream().synchronize();
    }

    /** As they are now. */
    TileScales tileScales() {
        var found = new TileScales(
                new float[tilesDown * format.groups()], new byte[zeroPoints == null ? 0 : tilesDown * format.groups()]);
        scales.buffer().copyTo(MemorySegment.ofArray(found.scales()), scales.offset(), input.stream());
        if (zeroPoints != null) {
            zeroPoints.buffer().copyTo(MemorySegment.ofArray(found.zeroPoints()), zeroPoints.offset(), input.stream());
        }
        input.stream().synchronize();
        return found;
    }

    private Matrix allocate(DType type, long height, long width) {
        DeviceBuffer buffer = input.backend().allocate("gptq", Matrix.bytes(type, height, width));
        own.push(buffer);
        return Matrix.of(buffer, type, height, width);
    }

    private Matrix place(DType type, long height, long width, MemorySegment host) {
        Matrix placed = allocate(type, height, width);
        placed.buffer().copyFrom(host, 0, input.stream());
        return placed;
    }

    /** Closes what was allocated last, once the stream has passed it. */
    private void release(int left) {
        input.stream().synchronize();
        while (own.size() > left) {
            own.pop().close();
        }
    }

    @Override
    public void close() {
        release(0);
    }
}
