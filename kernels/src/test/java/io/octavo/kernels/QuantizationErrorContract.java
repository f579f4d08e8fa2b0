package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.QuantizationError;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

abstract class QuantizationErrorContract extends BackendContract {

    /** Sums of some thousand positive terms, each with a few roundings of 2^-53, in whatever order. */
    private static final double RELATIVE = 1e-12;

    QuantizationErrorContract(IntFunction<Backend> open) {
        super(open);
    }

    @Test
    void measuresRowsOfAnyShapeAndType() {
        int rows = 5;
        for (DType type : new DType[] {DType.F32, DType.BF16, DType.F16}) {
            for (int columns : new int[] {1, 37, 256, 1000, 4097}) {
                for (int groupColumns : new int[] {16, 128, columns}) {
                    measure(type, rows, columns, groupColumns, false);
                    measure(type, rows, columns, groupColumns, true);
                }
            }
        }
    }

    private void measure(DType type, int rows, int columns, int groupColumns, boolean shifted) {
        RandomGenerator random = random(columns * 31L + groupColumns);
        int groups = Math.ceilDiv(columns, groupColumns);
        Matrix x = input(type, rows, columns, gaussian(random, rows * columns, 3));
        byte[] codes = new byte[rows * columns];
        random.nextBytes(codes);
        float[] table = new float[QuantizationError.CODEBOOK_ROWS * QuantizationError.CODES];
        for (int code = 0; code < QuantizationError.CODES; code++) {
            table[code] = (byte) code;
            table[QuantizationError.CODES + code] = code == 200 ? Float.POSITIVE_INFINITY : code / 2f;
            table[2 * QuantizationError.CODES + code] = code / 3f;
        }
        float[] scales = new float[rows * groups];
        float[] zeroPoints = new float[rows * groups];
        for (int i = 0; i < scales.length; i++) {
            scales[i] = random.nextFloat(0.01f, 0.5f);
            zeroPoints[i] = shifted ? random.nextInt(-128, 128) : 0;
        }
        Matrix errors = output(DType.F64, rows, QuantizationError.COLUMNS);
        Matrix reach = output(DType.F32, rows, 2L * groups);
        backend.operations()
                .quantizationError()
                .measure(
                        new QuantizationError.Arguments(
                                x,
                                bytes(rows, columns, codes),
                                input(DType.F32, QuantizationError.CODEBOOK_ROWS, QuantizationError.CODES, table),
                                input(DType.F32, rows, groups, scales),
                                shifted ? input(DType.I8, rows, groups, zeroPoints) : null,
                                groupColumns,
                                0.75f,
                                errors,
                                reach),
                        stream);

        float[] numbers = floats(x);
        double[] measured = doubles(errors);
        float[] reaches = floats(reach);
        for (int row = 0; row < rows; row++) {
            double squaredError = 0;
            double squaredNumber = 0;
            double excess = 0;
            float[] reached = new float[2 * groups];
            for (int column = 0; column < columns; column++) {
                int group = row * groups + column / groupColumns;
                double number = numbers[row * columns + column];
                double error = (codes[row * columns + column] - zeroPoints[group]) * (scales[group] * 0.75) - number;
                squaredError += error * error;
                squaredNumber += number * number;
                int code = codes[row * columns + column] & 0xFF;
                float allowed = table[(error < 0 ? 2 : 1) * QuantizationError.CODES + code];
                excess = Math.max(excess, Math.abs(error) / (scales[group] * 0.75) - allowed);
                int side = 2 * (column / groupColumns) + (number < 0 ? 0 : 1);
                reached[side] = Math.max(reached[side], (float) Math.abs(number));
            }
            int at = row * QuantizationError.COLUMNS;
            assertThat(measured[at]).isCloseTo(squaredError, within(squaredError * RELATIVE));
            assertThat(measured[at + 1]).isCloseTo(squaredNumber, within(squaredNumber * RELATIVE));
            // The difference of two numbers of at most some ten thousand scales.
            assertThat(measured[at + 2]).isCloseTo(excess, within(1e5 * RELATIVE));
            assertThat(Arrays.copyOfRange(reaches, row * 2 * groups, (row + 1) * 2 * groups))
                    .containsExactly(reached);
        }
    }

    @Test
    void notANumberStaysInItsRow() {
        float[] table = new float[QuantizationError.CODEBOOK_ROWS * QuantizationError.CODES];
        table[7] = Float.NaN;
        for (int at : new int[] {0, 31, 300, 599}) {
            byte[] codes = new byte[3 * 600];
            codes[600 + at] = 7;
            Matrix errors = output(DType.F64, 3, QuantizationError.COLUMNS);
            backend.operations()
                    .quantizationError()
                    .measure(
                            new QuantizationError.Arguments(
                                    input(DType.F32, 3, 600, new float[3 * 600]),
                                    bytes(3, 600, codes),
                                    input(DType.F32, QuantizationError.CODEBOOK_ROWS, QuantizationError.CODES, table),
                                    input(DType.F32, 3, 1, 1, 1, 1),
                                    null,
                                    600,
                                    1,
                                    errors,
                                    output(DType.F32, 3, 2)),
                            stream);
            assertThat(doubles(errors)).containsExactly(0, 0, 0, Double.NaN, 0, Double.NaN, 0, 0, 0);
        }
    }

    @Test
    void rejectsScalesThatDoNotFitTheGroups() {
        Matrix x = input(DType.F32, 1, 3, 1, 2, 3);
        Matrix table = output(DType.F32, QuantizationError.CODEBOOK_ROWS, QuantizationError.CODES);
        Matrix reach = output(DType.F32, 1, 4);
        Matrix scales = input(DType.F32, 1, 2, 1, 1);
        Matrix errors = output(DType.F64, 1, QuantizationError.COLUMNS);
        Matrix codes = bytes(1, 3, new byte[3]);
        assertThatThrownBy(() -> backend.operations()
                        .quantizationError()
                        .measure(
                                new QuantizationError.Arguments(x, codes, table, scales, null, 1, 1, errors, reach),
                                stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("expected 1 x 3");
    }

    private Matrix bytes(int rows, int columns, byte[] values) {
        Matrix matrix = output(DType.U8, rows, columns);
        matrix.buffer().copyFrom(MemorySegment.ofArray(values), 0, stream);
        return matrix;
    }

    private double[] doubles(Matrix matrix) {
        return MemorySegment.ofArray(bytes(matrix)).toArray(ValueLayout.JAVA_DOUBLE_UNALIGNED);
    }
}
