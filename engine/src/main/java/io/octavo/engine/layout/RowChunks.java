package io.octavo.engine.layout;

/** Reads a weight some rows at a time, through arrays that are used again. */
final class RowChunks {

    /** Codes held at once; a longer row is a chunk of its own. */
    private static final long CHUNK_CODES = 4 << 20;

    private RowChunks() {}

    @FunctionalInterface
    interface CodeVisitor {
        /** @param codes {@code [to - from, inFeatures]} */
        void visit(long from, long to, byte[] codes);
    }

    static void codes(QuantizedWeight weight, CodeVisitor visitor) {
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
    static float[] scales(QuantizedWeight weight) {
        float[] scales = new float[Math.toIntExact(Math.multiplyExact(weight.outFeatures(), (long) weight.groups()))];
        weight.readScales(0, weight.outFeatures(), scales);
        return scales;
    }

    /** All zero points of a weight, {@code [outFeatures, groups]}. */
    static byte[] zeroPoints(QuantizedWeight weight) {
        byte[] zeroPoints = new byte[Math.toIntExact(Math.multiplyExact(weight.outFeatures(), (long) weight.groups()))];
        weight.readZeroPoints(0, weight.outFeatures(), zeroPoints);
        return zeroPoints;
    }
}
