package io.octavo.engine.modify;

/**
 * What a tensor is multiplied by, along its last dimension, along its rows, or both: {@code (x + offset) * column * row - offset},
 * in f32.
 */
public final class ChannelScaling {

    private final float offset;
    private final float[] columns;
    private final float[] rows;

    /** @param columns or {@code rows} of no size for ones */
    private ChannelScaling(float offset, float[] columns, float[] rows) {
        this.offset = offset;
        this.columns = columns;
        this.rows = rows;
    }

    /**
     * @param offset what is added to stored gains of a norm, 0 for others
     * @param factors one for each number of the last dimension; copied
     */
    public static ChannelScaling ofColumns(float offset, float... factors) {
        return new ChannelScaling(offset, factors.clone(), new float[0]);
    }

    /** @param factors one for each run of the last dimension; copied */
    public static ChannelScaling ofRows(float... factors) {
        return new ChannelScaling(0, new float[0], factors.clone());
    }

    /** First this, then another, without rounding in between. */
    public ChannelScaling then(ChannelScaling next) {
        if (offset != next.offset) {
            throw new IllegalArgumentException("offsets differ: " + offset + " and " + next.offset);
        }
        return new ChannelScaling(offset, product(columns, next.columns), product(rows, next.rows));
    }

    private static float[] product(float[] first, float[] second) {
        if (first.length == 0 || second.length == 0) {
            return first.length == 0 ? second : first;
        }
        float[] product = first.clone();
        for (int i = 0; i < product.length; i++) {
            product[i] *= second[i];
        }
        return product;
    }

    public float offset() {
        return offset;
    }

    /** A copy, one for each number of the last dimension; of no size for ones. */
    public float[] columns() {
        return columns.clone();
    }

    /** A copy, one for each run of the last dimension; of no size for ones. */
    public float[] rows() {
        return rows.clone();
    }

    /** Whether it can multiply {@code [rows, columns]}. */
    public boolean fits(long rowCount, long columnCount) {
        return (columns.length == 0 || columns.length == columnCount) && (rows.length == 0 || rows.length == rowCount);
    }

    /** Multiplies {@code count} numbers of a row from a column on, in place. */
    public void apply(float[] numbers, int count, int row, int firstColumn) {
        if (columns.length == 0) {
            for (int i = 0; i < count; i++) {
                numbers[i] += offset;
            }
        } else {
            for (int i = 0; i < count; i++) {
                numbers[i] = (numbers[i] + offset) * columns[firstColumn + i];
            }
        }
        float factor = rows.length == 0 ? 1 : rows[row];
        for (int i = 0; i < count; i++) {
            numbers[i] = numbers[i] * factor - offset;
        }
    }
}
