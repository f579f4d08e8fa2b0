package io.octavo.engine.modify;

import java.util.Optional;

/**
 * Makes ranges of channels between two Linears equal (cross-layer equalization; Nagel et al. 2019, arXiv 1906.04721, section
 * 4.1): where a channel is a row of the one with the largest magnitude {@code a} and a column of the other with {@code b}, the row
 * is divided and the column multiplied by {@code sqrt(a / b)}, so that both have {@code sqrt(a b)} and the channel as much of
 * either weight's range. It needs no data.
 *
 * <p>Channels lie so between values and the output projection, where those of query heads that share values are one, and between
 * up and down, whose product with the gate is linear in up. No tensor is in both pairs twice along the same side, so one pass does
 * what the paper repeats until nothing changes. Norms stay: their gains are not rounded.
 */
public record Equalization() implements ChannelModifier {

    @Override
    public String name() {
        return "equalization";
    }

    @Override
    public boolean needsData() {
        return false;
    }

    @Override
    public Optional<float[]> scales(ChannelMapping mapping, LinearStatistics statistics) {
        if (!(mapping.origin() instanceof ChannelMapping.Rows rows)) {
            return Optional.empty();
        }
        float[] columns = statistics.weightMagnitudes(mapping.linears().getFirst());
        mapping.tie(columns);
        return Optional.of(scales(rows, statistics.rowMagnitudes(rows.module()), columns));
    }

    /** A channel that one side has no numbers in stays as it is. */
    private static float[] scales(ChannelMapping.Rows rows, float[] made, float[] columns) {
        float[] scales = new float[columns.length];
        for (int channel = 0; channel < scales.length; channel++) {
            double ratio = made[rows.first() + rows.row(channel)] / (double) columns[channel];
            scales[channel] = ratio > 0 && ratio < Double.POSITIVE_INFINITY ? (float) Math.sqrt(ratio) : 1;
        }
        return scales;
    }
}
