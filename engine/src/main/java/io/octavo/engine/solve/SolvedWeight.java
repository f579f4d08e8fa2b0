package io.octavo.engine.solve;

import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.solve.scale.TileScales;
import io.octavo.engine.solve.scale.WeightFormat;
import io.octavo.kernels.number.CodeFormat;
import java.lang.foreign.MemorySegment;

/**
 * A weight whose codes were solved, in memory.
 *
 * @param codeFormat of the rows of {@code codes}
 * @param codes {@code [outFeatures, codeFormat.rowBytes(inFeatures)]}, owned by this
 */
@SuppressWarnings("ArrayRecordComponent") // Numbers by the million; nobody compares them.
public record SolvedWeight(
        WeightFormat format, CodeFormat codeFormat, long outFeatures, byte[] codes, TileScales scales)
        implements QuantizedWeight {

    @Override
    public long inFeatures() {
        return format.inFeatures();
    }

    @Override
    public Quantization quantization() {
        return format.quantization();
    }

    @Override
    public int groups() {
        return format.groups();
    }

    @Override
    public void readCodes(long from, long to, byte[] target) {
        int rowBytes = Math.toIntExact(codeFormat.rowBytes(format.inFeatures()));
        int count = Math.toIntExact((to - from) * format.inFeatures());
        CodeRows.unpack(codes, Math.toIntExact(from * rowBytes), count, codeFormat, target);
    }

    @Override
    public void readPacked(long from, long to, MemorySegment target) {
        if (codeFormat == CodeFormat.INT4_OFFSET) {
            long rowBytes = codeFormat.rowBytes(format.inFeatures());
            MemorySegment.copy(MemorySegment.ofArray(codes), from * rowBytes, target, 0, (to - from) * rowBytes);
        } else {
            QuantizedWeight.super.readPacked(from, to, target);
        }
    }

    @Override
    public void readScales(long from, long to, float[] target) {
        for (long row = from; row < to; row++) {
            int tile = tile(row);
            System.arraycopy(scales.scales(), tile, target, Math.toIntExact((row - from) * groups()), groups());
        }
    }

    @Override
    public void readZeroPoints(long from, long to, byte[] target) {
        for (long row = from; row < to; row++) {
            int at = Math.toIntExact((row - from) * groups());
            for (int group = 0; group < groups(); group++) {
                target[at + group] = (byte) scales.zeroPoint(tile(row) + group);
            }
        }
    }

    private int tile(long row) {
        return Math.toIntExact(row / format.tileRows() * groups());
    }

    @Override
    public float globalScale() {
        return 1 / format.divisor();
    }
}
