package io.octavo.engine.solve;

import io.octavo.engine.solve.scale.RangeScales;
import io.octavo.engine.solve.scale.TileScales;
import io.octavo.engine.solve.scale.WeightFormat;

/** Rounds a whole weight to the nearest codes, in memory: what a scheme does to it where nothing is solved. */
public final class PlainRounding {

    /** Numbers of a weight that are rounded at once. */
    private static final int BLOCK_NUMBERS = 1 << 24;

    private PlainRounding() {}

    /**
     * @param absmax the largest magnitude of the weight and of all that share its scale
     * @param tasks shares rows out
     */
    public static SolvedWeight round(SolvableWeight weight, float absmax, RowTasks tasks) {
        WeightFormat format = weight.format(absmax);
        int columns = weight.inFeatures();
        int groups = format.groups();
        int height = Math.min(format.tileRows(), weight.outFeatures());
        long rowBytes = weight.codes().rowBytes(columns);
        byte[] codes = new byte[Math.toIntExact(weight.outFeatures() * rowBytes)];
        float[] scales = new float[format.tilesDown(weight.outFeatures()) * groups];
        var all = new TileScales(scales, new byte[weight.quantization().symmetric() ? 0 : scales.length]);
        int step = Math.max(BLOCK_NUMBERS / columns / height, 1) * height;
        for (int from = 0; from < weight.outFeatures(); from += step) {
            tasks.checkpoint();
            int top = from;
            int rows = Math.min(step, weight.outFeatures() - from);
            float[] numbers = weight.rows().read(from, from + rows);
            TileScales some = new RangeScales().choose(numbers, format);
            all.put(some, top / height * groups);
            tasks.run(rows, 1, (begin, end) -> {
                byte[] row = new byte[columns];
                for (int i = begin; i < end; i++) {
                    for (int column = 0; column < columns; column++) {
                        int tile = i / height * groups + column / format.tileColumns();
                        float scale = some.scales()[tile] * (1 / format.divisor());
                        float number = numbers[i * columns + column];
                        row[column] = (byte) format.codes().code(number / scale, some.zeroPoint(tile));
                    }
                    byte[] packed = CodeRows.pack(row, weight.codes());
                    System.arraycopy(packed, 0, codes, Math.toIntExact((top + i) * rowBytes), packed.length);
                }
            });
        }
        return new SolvedWeight(format, weight.codes(), weight.outFeatures(), codes, all);
    }
}
