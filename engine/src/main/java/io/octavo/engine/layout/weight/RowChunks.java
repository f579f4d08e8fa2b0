package io.octavo.engine.layout.weight;

import io.octavo.engine.scheme.Granularity;

/** Reads a weight some rows at a time, through arrays that are used again. */
public final class RowChunks {

    /** Codes held at once; a longer row is a chunk of its own. */
    private static final long CHUNK_CODES = 4 << 20;

    private RowChunks() {}

    @FunctionalInterface
    public interface CodeVisitor {
        /** @param codes {@code [to - from, inFeatures]} */
        void visit(long from, long to, byte[] codes);
    }

    public static void codes(QuantizedWeight weight, CodeVisitor visitor) {
        long rows = rows(weight);
        byte[] codes = new byte[Math.toIntExact(rows * weight.inFeatures())];
        for (long from = 0; from < weight.outFeatures(); from += rows) {
            long to = Math.min(from + rows, weight.outFeatures());
            weight.readCodes(from, to, codes);
            visitor.visit(from, to, codes);
        }
    }

    private static long rows(QuantizedWeight weight) {
        return Math.clamp(CHUNK_CODES / Math.max(weight.inFeatures(), 1), 1, Math.max(weight.outFeatures(), 1));
    }

    /** All scales of a weight, {@code [outFeatures, groups]}: a small fraction of its codes. */
    public static float[] scales(QuantizedWeight weight) {
        float[] scales = new float[Math.toIntExact(Math.multiplyExact(weight.outFeatures(), (long) weight.groups()))];
        weight.readScales(0, weight.outFeatures(), scales);
        return scales;
    }

    /** All zero points of a weight, {@code [outFeatures, groups]}. */
    public static byte[] zeroPoints(QuantizedWeight weight) {
        byte[] zeroPoints = new byte[Math.toIntExact(Math.multiplyExact(weight.outFeatures(), (long) weight.groups()))];
        weight.readZeroPoints(0, weight.outFeatures(), zeroPoints);
        return zeroPoints;
    }

    /** The first row's scales of every block. */
    public static float[] blockScales(QuantizedWeight weight, Granularity.PerBlock size) {
        int groups = weight.groups();
        int rows = Math.toIntExact(Math.ceilDiv(weight.outFeatures(), size.rows()));
        float[] scales = new float[Math.multiplyExact(rows, groups)];
        float[] row = new float[groups];
        for (int i = 0; i < rows; i++) {
            weight.readScales((long) i * size.rows(), (long) i * size.rows() + 1, row);
            System.arraycopy(row, 0, scales, i * groups, groups);
        }
        return scales;
    }

    /** The one scale of a weight; 1 for a weight without rows. */
    public static float tensorScale(QuantizedWeight weight) {
        float[] scale = {1};
        if (weight.outFeatures() > 0) {
            weight.readScales(0, 1, scale);
        }
        return scale[0];
    }
}
