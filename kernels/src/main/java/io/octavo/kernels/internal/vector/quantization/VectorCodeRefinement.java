package io.octavo.kernels.internal.vector.quantization;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostBuffer;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.RowReader;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.product.MatMul;
import io.octavo.kernels.quantization.CodeRefinement;
import java.lang.foreign.Arena;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/** Threads share out rows, which do not depend on each other; what rounding changed in all of them is multiplied at once. */
public final class VectorCodeRefinement implements CodeRefinement {

    private static final int CODES = 256;
    private static final int NIBBLE = 0xF;

    private final MatMul matMul;
    private final WorkerPool workers;

    public VectorCodeRefinement(MatMul matMul, WorkerPool workers) {
        this.matMul = matMul;
        this.workers = workers;
    }

    @Override
    public void refine(Arguments a, Stream stream) {
        HostStream.require(stream);
        a.byInput().forEach(input -> refineInput(input, stream));
    }

    private void refineInput(Arguments a, Stream stream) {
        long rows = a.weights().rows();
        long columns = a.weights().columns();
        long bytes = Matrix.bytes(DType.F32, rows, columns);
        try (Arena arena = Arena.ofShared();
                var differences = HostBuffer.borrowing("refinement", arena.allocate(bytes, Long.BYTES));
                var products = HostBuffer.borrowing("refinement", arena.allocate(bytes, Long.BYTES))) {
            Matrix d = Matrix.of(differences, DType.F32, rows, columns);
            Matrix gradients = Matrix.of(products, DType.F32, rows, columns);
            long changedAt = Native.address(d);
            workers.runRanges(rows, 1, (from, to, scratch) -> {
                var row = new Row(a);
                for (long i = from; i < to; i++) {
                    row.read(i);
                    row.differences(changedAt + i * columns * Float.BYTES);
                }
            });
            matMul.multiply(ScaledMatrix.plain(d), ScaledMatrix.plain(a.moments()), gradients, stream);
            long gradientsAt = Native.address(gradients);
            workers.runRanges(rows, 1, (from, to, scratch) -> {
                var row = new Row(a);
                for (long i = from; i < to; i++) {
                    row.read(i);
                    row.refine(gradientsAt + i * columns * Float.BYTES);
                }
            });
        }
    }

    /** A row at a time. */
    private static final class Row {

        private final Arguments a;
        private final CodeFormat format;
        private final int columns;
        private final int groupColumns;
        private final int groups;
        private final float wholeScale;
        private final long weightsAt;
        private final long momentsAt;
        private final float[] numbers = new float[CODES];
        private final float[] weights;
        private final float[] gradient;
        private final byte[] codes;
        private final float[] stored;
        private final int[] zeroPoints;

        /** Of a group: what codes stand for, and that times the moments. */
        private final float[] group;

        private final float[] weighed;
        private long row;

        Row(Arguments a) {
            this.a = a;
            this.format = a.format();
            this.columns = (int) a.weights().columns();
            this.groupColumns = a.groupColumns();
            this.groups = (int) a.scales().columns();
            this.wholeScale = 1 / a.divisor();
            this.weightsAt = Native.address(a.weights());
            this.momentsAt = Native.address(a.moments());
            this.weights = new float[columns];
            this.gradient = new float[columns];
            this.codes = new byte[columns];
            this.stored = new float[groups];
            this.zeroPoints = new int[groups];
            this.group = new float[groupColumns];
            this.weighed = new float[groupColumns];
            for (int code = 0; code < CODES; code++) {
                numbers[code] = format.number(format.isInteger() ? (byte) code : code);
            }
        }

        private long codesAt() {
            return Native.address(a.codes()) + row * format.rowBytes(columns);
        }

        private long tilesAt() {
            return row / a.tile().rows() * groups;
        }

        void read(long number) {
            row = number;
            DType type = a.weights().dtype();
            RowReader.read(type, weightsAt + row * columns * type.bytes(), columns, weights, 0);
            for (int column = 0; column < columns; column++) {
                int code = format.bits() == Byte.SIZE
                        ? Native.getByte(codesAt() + column)
                        : Native.getByte(codesAt() + column / 2) >> (column % 2 * format.bits()) & NIBBLE;
                codes[column] = (byte) (code - format.offset());
            }
            for (int tile = 0; tile < groups; tile++) {
                stored[tile] = Native.getFloat(Native.address(a.scales()) + (tilesAt() + tile) * Float.BYTES);
                zeroPoints[tile] =
                        a.zeroPoints() == null ? 0 : Native.getByte(Native.address(a.zeroPoints()) + tilesAt() + tile);
            }
        }

        private void write() {
            for (int column = 0; column < columns; column++) {
                int code = codes[column] + format.offset();
                if (format.bits() == Byte.SIZE) {
                    Native.setByte(codesAt() + column, (byte) code);
                } else if (column % 2 != 0) {
                    int before = codes[column - 1] + format.offset() & NIBBLE;
                    Native.setByte(codesAt() + column / 2, (byte) (before | (code & NIBBLE) << format.bits()));
                }
            }
            for (int tile = 0; a.refinesScales() && tile < groups; tile++) {
                Native.setFloat(Native.address(a.scales()) + (tilesAt() + tile) * Float.BYTES, stored[tile]);
            }
        }

        private float number(int column) {
            return numbers[Byte.toUnsignedInt(codes[column])] - zeroPoints[column / groupColumns];
        }

        private float difference(int column) {
            return weights[column] - number(column) * (stored[column / groupColumns] * wholeScale);
        }

        void differences(long target) {
            for (int column = 0; column < columns; column++) {
                Native.setFloat(target + (long) column * Float.BYTES, difference(column));
            }
        }

        private double loss() {
            double loss = 0;
            for (int column = 0; column < columns; column++) {
                loss += (double) difference(column) * gradient[column];
            }
            return loss;
        }

        void refine(long gradientAt) {
            RowReader.read(DType.F32, gradientAt, columns, gradient, 0);
            double loss = loss();
            double left = loss;
            for (int sweep = 0; sweep < a.mostSweeps(); sweep++) {
                double gain = sweep();
                left -= gain;
                if (!(gain > WORTHWHILE * left)) {
                    break;
                }
            }
            if (a.mostSweeps() > 0) {
                write();
                loss = loss();
            }
            Native.setFloat(Native.address(a.losses()) + row * Float.BYTES, (float) loss);
        }

        private double sweep() {
            double gain = 0;
            for (int tile = 0; tile < groups; tile++) {
                int from = tile * groupColumns;
                int to = Math.min(from + groupColumns, columns);
                for (int column = from; column < to; column++) {
                    gain += improveCode(column, tile);
                }
                if (a.refinesScales()) {
                    gain += improveScale(from, to - from, tile);
                }
            }
            return gain;
        }

        /** @return by how much the loss falls */
        private double improveCode(int column, int tile) {
            float curvature = Native.getFloat(momentAt(column, column));
            if (!(curvature > 0)) {
                return 0;
            }
            float scale = stored[tile] * wholeScale;
            float now = number(column);
            int code = format.code(now + gradient[column] / curvature / scale, zeroPoints[tile]);
            float step = (numbers[code & (CODES - 1)] - zeroPoints[tile] - now) * scale;
            double better = 2.0 * step * gradient[column] - (double) step * step * curvature;
            if (!(better > 0)) {
                return 0;
            }
            codes[column] = (byte) code;
            move(column, step);
            return better;
        }

        private double improveScale(int from, int count, int tile) {
            double slope = 0;
            for (int i = 0; i < count; i++) {
                group[i] = number(from + i);
                slope += (double) group[i] * gradient[from + i];
            }
            double curvature = curvature(from, count);
            float old = stored[tile];
            float exact = (float) (old * wholeScale + slope / curvature);
            float other = exact > 0 && Float.isFinite(exact) ? a.scaleFormat().nearest(a.divisor() * exact) : old;
            float step = (other - old) * wholeScale;
            double better = 2.0 * step * slope - (double) step * step * curvature;
            if (!(better > 0)) {
                return 0;
            }
            stored[tile] = other;
            for (int i = 0; i < count; i++) {
                move(from + i, step * group[i]);
            }
            return better;
        }

        /** {@code c h c^T} of the group's codes. */
        private double curvature(int from, int count) {
            Arrays.fill(weighed, 0);
            for (int i = 0; i < count; i++) {
                add(group[i], momentAt(from + i, from), weighed, count);
            }
            double sum = 0;
            for (int i = 0; i < count; i++) {
                sum += (double) group[i] * weighed[i];
            }
            return sum;
        }

        private long momentAt(int i, int j) {
            return momentsAt + ((long) i * columns + j) * Float.BYTES;
        }

        /** A number moves; what its column weighs moves with it. */
        private void move(int column, float step) {
            add(-step, momentAt(column, 0), gradient, columns);
        }

        private static void add(float factor, long numbersAt, float[] target, int count) {
            int whole = count - count % LANES;
            for (int i = 0; i < whole; i += LANES) {
                Native.load(numbersAt + (long) i * Float.BYTES)
                        .mul(factor)
                        .add(FloatVector.fromArray(FLOATS, target, i))
                        .intoArray(target, i);
            }
            for (int i = whole; i < count; i++) {
                target[i] += factor * Native.getFloat(numbersAt + (long) i * Float.BYTES);
            }
        }
    }
}
