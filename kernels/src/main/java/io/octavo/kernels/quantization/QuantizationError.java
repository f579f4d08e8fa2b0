package io.octavo.kernels.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import org.jspecify.annotations.Nullable;

/** How far codes lie from the numbers that they were made of. */
public interface QuantizationError {

    /** Columns of the result: the sum of squared errors, the sum of squared numbers, the largest error in scales. */
    int SQUARED_ERROR = 0;

    int SQUARED_NUMBER = 1;
    int MOST_STEPS = 2;
    int COLUMNS = 3;

    /** Numbers that a byte can stand for. */
    int CODES = 256;

    /**
     * Measures every row on its own, in f64, with {@code error = (numbers[code] - zeroPoint) * scale * wholeScale - x}. A
     * backend adds in an order of its own, the same in every call. NaN stays.
     *
     * @param x {@code [rows, columns]}, F32, BF16 or F16
     * @param codes {@code [rows, columns]} U8, whatever the bits stand for
     * @param numbers {@code [1, 256]} F32, what each byte stands for
     * @param scales {@code [rows, groups]} F32; a group is a run of {@code groupColumns} columns, the last may be shorter
     * @param zeroPoints {@code [rows, groups]} I8, or null for zeros
     * @param wholeScale what every scale is multiplied by
     * @param errors receives {@code [rows, 3]} F64
     */
    void measure(
            Matrix x,
            Matrix codes,
            Matrix numbers,
            Matrix scales,
            @Nullable Matrix zeroPoints,
            long groupColumns,
            float wholeScale,
            Matrix errors,
            Stream stream);
}
