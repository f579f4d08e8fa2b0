package io.octavo.kernels.internal.vector.quantization;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.RowReader;
import io.octavo.kernels.internal.vector.base.Scratch;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.internal.vector.product.MicroKernel;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.quantization.GptqSweep;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Threads share out rows, which do not depend on each other. Errors of a block of columns reach the columns behind it all at
 * once, by a product.
 */
public final class VectorGptqSweep implements GptqSweep {

    private static final int BLOCK = 128;

    /** Rows that share what is read of the factor. */
    private static final int ROWS = 16 * MicroKernel.ROWS;

    private final WorkerPool workers;

    public VectorGptqSweep(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void quantize(Arguments a, Stream stream) {
        HostStream.require(stream);
        a.byInput().forEach(this::quantize);
    }

    private void quantize(Arguments a) {
        int columns = (int) a.weights().columns();
        int[] sequence = new int[columns];
        for (int i = 0; i < columns; i++) {
            int column = a.order() == null ? i : Native.getInt(Native.address(a.order()) + (long) i * Integer.BYTES);
            sequence[i] = Operands.requireIndex("column", column, columns);
        }
        var operands = new Operand(
                a.weights(),
                Native.address(a.weights()),
                Native.address(a.factor()),
                a.format(),
                Native.address(a.scales()),
                a.zeroPoints() == null ? 0 : Native.address(a.zeroPoints()),
                a.groupColumns(),
                (int) a.scales().columns(),
                Native.address(a.codes()),
                Native.address(a.losses()));
        workers.runRanges(a.weights().rows(), ROWS, (from, to, scratch) -> {
            Rows rows = new Rows(operands, sequence, scratch);
            for (long first = from; first < to; first += ROWS) {
                rows.run(first, (int) Math.min(ROWS, to - first));
            }
        });
    }

    /** Everything resolved to addresses; {@code zeroPointsAt} is 0 without zero points. */
    private record Operand(
            Matrix weights,
            long weightsAt,
            long factorAt,
            CodeFormat format,
            long scalesAt,
            long zeroPointsAt,
            long groupColumns,
            int groups,
            long codesAt,
            long lossesAt) {}

    /** One thread's run of rows, their columns in the order in which they are quantized. */
    private static final class Rows {

        private final Operand o;
        private final int[] order;
        private final int columns;

        /** Of a row of numbers: whole tiles of the product. */
        private final int stride;

        private final float[] read;
        private final float[] numbers;
        private final float[] triangle;
        private final float[] panel;

        /** With the opposite sign. */
        private final float[] errors;

        private final float[] losses = new float[ROWS];
        private final byte[] codes;

        Rows(Operand operand, int[] sequence, Scratch scratch) {
            o = operand;
            order = sequence;
            columns = sequence.length;
            stride = Math.ceilDiv(columns, MicroKernel.COLUMNS) * MicroKernel.COLUMNS + BLOCK;
            read = scratch.floats(Scratch.Use.ROWS, columns);
            numbers = scratch.floats(Scratch.Use.ACTIVATIONS, Math.multiplyExact(ROWS, stride));
            triangle = scratch.floats(Scratch.Use.KEYS, BLOCK * BLOCK);
            panel = scratch.floats(Scratch.Use.WEIGHTS, Math.multiplyExact(BLOCK, stride));
            errors = scratch.floats(Scratch.Use.SUMS, ROWS * BLOCK);
            codes = new byte[Math.multiplyExact(ROWS, columns)];
        }

        void run(long first, int count) {
            for (int row = 0; row < count; row++) {
                int bytes = o.weights.dtype().bytes();
                RowReader.read(o.weights.dtype(), o.weightsAt + (first + row) * columns * bytes, columns, read, 0);
                for (int i = 0; i < columns; i++) {
                    numbers[row * stride + i] = read[order[i]];
                }
            }
            Arrays.fill(errors, 0, ROWS * BLOCK, 0);
            Arrays.fill(losses, 0);
            for (int block = 0; block < columns; block += BLOCK) {
                int width = Math.min(BLOCK, columns - block);
                readTriangle(block, width);
                for (int row = 0; row < count; row++) {
                    quantizeBlock(first + row, row, block, width);
                }
                if (block + width < columns) {
                    update(block, Math.ceilDiv(count, MicroKernel.ROWS) * MicroKernel.ROWS);
                }
            }
            for (int row = 0; row < count; row++) {
                Native.setFloat(o.lossesAt + (first + row) * Float.BYTES, losses[row]);
                writeCodes(first + row, row);
            }
        }

        private long factorAt(int row, int column) {
            return o.factorAt + ((long) row * columns + column) * Float.BYTES;
        }

        /** What lies above the diagonal, with zeros beside it, so that whole vectors can be added. */
        private void readTriangle(int block, int width) {
            Arrays.fill(triangle, 0, BLOCK * BLOCK, 0);
            for (int i = 0; i < width; i++) {
                for (int j = i; j < width; j++) {
                    triangle[i * BLOCK + j] = Native.getFloat(factorAt(block + i, block + j));
                }
            }
        }

        private void quantizeBlock(long row, int local, int block, int width) {
            int at = local * stride + block;
            float loss = 0;
            for (int i = 0; i < width; i++) {
                int column = order[block + i];
                long group = row * o.groups + column / o.groupColumns;
                float scale = Native.getFloat(o.scalesAt + group * Float.BYTES);
                int zeroPoint = o.zeroPointsAt == 0 ? 0 : Native.getByte(o.zeroPointsAt + group);
                float number = numbers[at + i];
                int code = o.format.code(number / scale, zeroPoint);
                codes[local * columns + column] = (byte) (code + o.format.offset());
                float rounded = (o.format.number(code) - zeroPoint) * scale;
                float error = (rounded - number) / triangle[i * BLOCK + i];
                errors[local * BLOCK + i] = error;
                loss += error * error;
                addRow(numbers, at, triangle, i * BLOCK, i / LANES * LANES, error);
            }
            losses[local] += loss;
        }

        /** To columns of the block from a whole vector on; those up to the diagonal are not looked at any more. */
        private static void addRow(float[] numbers, int at, float[] triangle, int row, int from, float error) {
            for (int j = from; j < BLOCK; j += LANES) {
                FloatVector number = FloatVector.fromArray(FLOATS, numbers, at + j);
                FloatVector.fromArray(FLOATS, triangle, row + j)
                        .mul(error)
                        .add(number)
                        .intoArray(numbers, at + j);
            }
        }

        private void update(int block, int rows) {
            int from = block + BLOCK;
            int rest = columns - from;
            int width = Math.ceilDiv(rest, MicroKernel.COLUMNS) * MicroKernel.COLUMNS;
            for (int i = 0; i < BLOCK; i++) {
                MemorySegment.copy(
                        Native.MEMORY,
                        ValueLayout.JAVA_FLOAT_UNALIGNED,
                        factorAt(block + i, from),
                        panel,
                        i * width,
                        rest);
            }
            for (int column = 0; column < width; column += MicroKernel.COLUMNS) {
                for (int row = 0; row < rows; row += MicroKernel.ROWS) {
                    MicroKernel.multiply(
                            errors,
                            row * BLOCK,
                            BLOCK,
                            panel,
                            column,
                            width,
                            BLOCK,
                            numbers,
                            row * stride + from + column,
                            stride,
                            false);
                }
            }
        }

        private void writeCodes(long row, int local) {
            long target = o.codesAt + row * o.format.rowBytes(columns);
            if (o.format.bits() < Byte.SIZE) {
                byte[] own = Arrays.copyOfRange(codes, local * columns, (local + 1) * columns);
                TileEncoder.packNibbles(own, columns, target);
            } else {
                MemorySegment.copy(codes, local * columns, Native.MEMORY, ValueLayout.JAVA_BYTE, target, columns);
            }
        }
    }
}
