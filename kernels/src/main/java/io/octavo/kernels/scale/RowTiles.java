package io.octavo.kernels.scale;

import java.util.Arrays;

/**
 * Some columns of some rows, of which each row is a tile. The rows lie beside each other, so that all are rounded at once while
 * sums are added in the order of the columns, whatever the machine.
 */
public final class RowTiles implements TileNumbers {

    /** Columns whose losses are added in f32 before they are added in f64. */
    private static final int COLUMNS_AT_ONCE = 16;

    private final Rounding rounding;
    private final int rows;
    private final int columns;

    /** {@code [columns, rows]} */
    private final float[] numbers;

    /** By column. */
    private final float[] importance;

    private final float[][] errors;
    private final float[] partial;

    /**
     * @param weights {@code [any, inFeatures]}
     * @param top the first row, of {@code rows}
     * @param left the first column, of {@code columns}
     * @param importance what weighs the squares of errors, of all input channels
     */
    public RowTiles(
            Rounding rounding,
            float[] weights,
            int inFeatures,
            int top,
            int rows,
            int left,
            int columns,
            float[] importance) {
        this.rounding = rounding;
        this.rows = rows;
        this.columns = columns;
        this.numbers = new float[columns * rows];
        for (int row = 0; row < rows; row++) {
            int first = (top + row) * inFeatures + left;
            for (int column = 0; column < columns; column++) {
                numbers[column * rows + row] = weights[first + column];
            }
        }
        this.importance = Arrays.copyOfRange(importance, left, left + columns);
        this.errors = new float[COLUMNS_AT_ONCE][rows];
        this.partial = new float[rows];
    }

    @Override
    public int tiles() {
        return rows;
    }

    @Override
    public void judge(float[] scales, float[] zeroPoints, double[] losses) {
        Arrays.fill(losses, 0);
        for (int from = 0; from < columns; from += COLUMNS_AT_ONCE) {
            int count = Math.min(COLUMNS_AT_ONCE, columns - from);
            for (int column = 0; column < count; column++) {
                rounding.round(numbers, (from + column) * rows, scales, zeroPoints, errors[column]);
            }
            Arrays.fill(partial, 0);
            addSquares(from, count);
            for (int row = 0; row < rows; row++) {
                losses[row] += partial[row];
            }
        }
    }

    private void addSquares(int from, int count) {
        for (int column = 0; column < count; column++) {
            float weight = importance[from + column];
            float[] error = errors[column];
            for (int row = 0; row < rows; row++) {
                partial[row] += weight * error[row] * error[row];
            }
        }
    }
}
