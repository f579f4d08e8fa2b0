package io.octavo.kernels.internal.vector.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.vector.base.Grain;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.RowReader;
import io.octavo.kernels.internal.vector.base.Scratch;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.quantization.QuantizationError;

/**
 * Plain loops over rows that were read at once: the table look-up is what takes the time, and a process that quantizes a
 * single model would not live to see more of the Vector API compiled.
 */
public final class VectorQuantizationError implements QuantizationError {

    private final WorkerPool workers;

    public VectorQuantizationError(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void measure(Arguments arguments, Stream stream) {
        HostStream.require(stream);
        int columns = (int) arguments.x().columns();
        int groups = (int) arguments.scales().columns();
        double[] table = new double[CODES];
        double[] allowed = new double[2 * CODES];
        fill(arguments.codebook(), table, allowed);
        long xAt = Native.address(arguments.x());
        long codesAt = Native.address(arguments.codes());
        long scalesAt = Native.address(arguments.scales());
        long zeroPointsAt = arguments.zeroPoints() == null ? 0 : Native.address(arguments.zeroPoints());
        long errorsAt = Native.address(arguments.errors());
        long reachAt = Native.address(arguments.reach());
        workers.runRanges(arguments.x().rows(), Grain.rows(columns), (from, to, scratch) -> {
            float[] values = scratch.floats(Scratch.Use.ROWS, columns);
            for (long row = from; row < to; row++) {
                RowReader.read(
                        arguments.x().dtype(),
                        xAt + row * columns * arguments.x().dtype().bytes(),
                        columns,
                        values,
                        0);
                var sums = new Sums(values, table, allowed);
                for (int group = 0; group < groups; group++) {
                    long at = row * groups + group;
                    int begin = (int) (group * arguments.groupColumns());
                    int end = (int) Math.min(begin + arguments.groupColumns(), columns);
                    double scale = (double) Native.getFloat(scalesAt + at * Float.BYTES) * arguments.wholeScale();
                    int zeroPoint = zeroPointsAt == 0 ? 0 : Native.getByte(zeroPointsAt + at);
                    sums.add(codesAt + row * columns, begin, end, scale, zeroPoint);
                    sums.reach(begin, end, reachAt + 2 * at * Float.BYTES);
                }
                sums.store(errorsAt + row * COLUMNS * Double.BYTES);
            }
        });
    }

    /** Of every code what it stands for, and what it allows below and above, side by side: an error's sign chooses. */
    private static void fill(Matrix codebook, double[] table, double[] allowed) {
        long at = Native.address(codebook);
        for (int code = 0; code < CODES; code++) {
            table[code] = Native.getFloat(at + (long) code * Float.BYTES);
            allowed[2 * code] = Native.getFloat(at + ((long) BELOW * CODES + code) * Float.BYTES);
            allowed[2 * code + 1] = Native.getFloat(at + ((long) ABOVE * CODES + code) * Float.BYTES);
        }
    }

    /** Of one row. */
    private static final class Sums {

        private final float[] values;
        private final double[] table;
        private final double[] allowed;
        private final float[] lows = new float[1];
        private final float[] highs = new float[1];
        private double squaredError;
        private double squaredNumber;
        private double excess;

        Sums(float[] values, double[] table, double[] allowed) {
            this.values = values;
            this.table = table;
            this.allowed = allowed;
        }

        /** Two sums of each kind, so that additions need not wait for each other. */
        void add(long codesAt, int begin, int end, double scale, int zeroPoint) {
            double error0 = 0;
            double error1 = 0;
            double number0 = 0;
            double number1 = 0;
            int i = begin;
            for (; i + 1 < end; i += 2) {
                double x0 = values[i];
                double x1 = values[i + 1];
                int code0 = Native.getByte(codesAt + i) & 0xFF;
                int code1 = Native.getByte(codesAt + i + 1) & 0xFF;
                double d0 = (table[code0] - zeroPoint) * scale - x0;
                double d1 = (table[code1] - zeroPoint) * scale - x1;
                error0 += d0 * d0;
                error1 += d1 * d1;
                number0 += x0 * x0;
                number1 += x1 * x1;
                judge(d0, code0, scale);
                judge(d1, code1, scale);
            }
            if (i < end) {
                double x0 = values[i];
                int code0 = Native.getByte(codesAt + i) & 0xFF;
                double d0 = (table[code0] - zeroPoint) * scale - x0;
                error0 += d0 * d0;
                number0 += x0 * x0;
                judge(d0, code0, scale);
            }
            squaredError += error0 + error1;
            squaredNumber += number0 + number1;
        }

        /** Nothing exceeds anything as a rule, so no maximum is carried from one number to the next. */
        private void judge(double error, int code, double scale) {
            int side = (int) (Double.doubleToRawLongBits(error) >>> (Double.SIZE - 1));
            double limit = allowed[2 * code + side] * scale;
            if (!(Math.abs(error) <= limit)) {
                excess = Math.max(excess, (Math.abs(error) - limit) / scale);
            }
        }

        void reach(int begin, int end, long at) {
            lows[0] = 0;
            highs[0] = 0;
            TileEncoder.range(values, begin, end, end - begin, lows, highs);
            Native.setFloat(at, 0 - lows[0]); // not minus zero
            Native.setFloat(at + Float.BYTES, highs[0]);
        }

        void store(long at) {
            Native.setDouble(at + SQUARED_ERROR * Double.BYTES, squaredError);
            Native.setDouble(at + SQUARED_NUMBER * Double.BYTES, squaredNumber);
            Native.setDouble(at + EXCESS * Double.BYTES, excess);
        }
    }
}
