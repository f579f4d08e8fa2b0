package io.octavo.engine.modify;

import io.octavo.engine.model.AttentionSpec;
import io.octavo.engine.model.FeedForwardSpec;
import io.octavo.engine.model.LayerNorms;
import io.octavo.engine.model.LayerSpec;
import io.octavo.engine.model.ModelSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedSet;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Linears that read one input, and what that input comes from: dividing channels of the one and multiplying those columns of the
 * others leaves what the model computes as it is.
 *
 * @param linears modules, each once
 */
record ChannelMapping(Origin origin, SequencedSet<String> linears) {

    private static final String WEIGHT = ".weight";
    private static final String BIAS = ".bias";

    /** What makes the input. */
    sealed interface Origin {}

    /** @param gainOffset what is added to the stored gains */
    record Norm(String module, float gainOffset) implements Origin {}

    /**
     * Rows of another Linear, each read by one channel or, where query heads share keys and values, by one of each of them.
     *
     * @param first row
     * @param total rows of the module
     * @param headDim rows of a head
     * @param readers heads that read one
     * @param isValues whether rows are what attention reads
     */
    record Rows(String module, int first, int total, int headDim, int readers, boolean isValues) implements Origin {

        int row(int channel) {
            return channel / headDim / readers * headDim + channel % headDim;
        }
    }

    /** Of every layer: norms to what reads them, values to the output projection, and the MLP's inner product to its last. */
    static List<ChannelMapping> of(ModelSpec spec) {
        var mappings = new ArrayList<ChannelMapping>();
        for (LayerSpec layer : spec.layers()) {
            LayerNorms norms = layer.norms();
            String prefix = layer.name() + ".";
            if (layer.mixer() instanceof AttentionSpec attention) {
                addAttention(mappings, prefix, norms, attention);
            }
            // The router of a mixture reads the same norm, and is left alone.
            if (layer.feedForward() instanceof FeedForwardSpec.Dense dense) {
                addDense(mappings, prefix, norms, dense);
            }
        }
        return mappings;
    }

    /** All modules that read an input. */
    static Set<String> readers(ModelSpec spec) {
        return of(spec).stream().flatMap(mapping -> mapping.linears.stream()).collect(Collectors.toSet());
    }

    /** One module for each input. */
    static Set<String> firstReaders(ModelSpec spec) {
        return of(spec).stream().map(mapping -> mapping.linears.getFirst()).collect(Collectors.toSet());
    }

    private static void addAttention(
            List<ChannelMapping> mappings, String prefix, LayerNorms norms, AttentionSpec attention) {
        AttentionSpec.Names names = attention.names();
        String block = prefix + names.block() + ".";
        if (norms.beforeMixer() != null) {
            mappings.add(of(
                    new Norm(prefix + norms.beforeMixer(), norms.kind().gainOffset()),
                    block + names.queries(),
                    block + names.keys(),
                    block + names.values()));
        }
        boolean fused = names.values().equals(names.queries());
        int rows = attention.keyValueColumns();
        int before = fused ? attention.queryColumns() + rows : 0;
        mappings.add(of(
                new Rows(
                        block + names.values(),
                        before,
                        before + rows,
                        attention.headDim(),
                        attention.heads() / attention.kvHeads(),
                        true),
                block + names.output()));
    }

    private static void addDense(
            List<ChannelMapping> mappings, String prefix, LayerNorms norms, FeedForwardSpec.Dense dense) {
        FeedForwardSpec.Names names = dense.names();
        String block = prefix + names.block() + ".";
        if (norms.beforeFeedForward() != null) {
            mappings.add(of(
                    new Norm(prefix + norms.beforeFeedForward(), norms.kind().gainOffset()),
                    block + names.gate(),
                    block + names.up()));
        }
        int rows = dense.intermediateSize();
        int before = names.up().equals(names.gate()) ? rows : 0;
        mappings.add(of(new Rows(block + names.up(), before, before + rows, rows, 1, false), block + names.down()));
    }

    private static ChannelMapping of(Origin origin, String... linears) {
        return new ChannelMapping(origin, new LinkedHashSet<>(List.of(linears)));
    }

    /** Gives channels that must have one number the largest of theirs. */
    void tie(float[] numbers) {
        if (origin instanceof Rows rows && rows.readers > 1) {
            float[] largest = new float[numbers.length / rows.readers];
            for (int channel = 0; channel < numbers.length; channel++) {
                int row = rows.row(channel);
                largest[row] = Math.max(largest[row], numbers[channel]);
            }
            for (int channel = 0; channel < numbers.length; channel++) {
                numbers[channel] = largest[rows.row(channel)];
            }
        }
    }

    /** Whether it moves numbers into values, of which scales of the KV cache may have been measured. */
    boolean changesValues() {
        return origin instanceof Rows rows && rows.isValues;
    }

    /**
     * Adds what becomes of tensors.
     *
     * @param scales what columns of the Linears are multiplied by, tied
     */
    void fold(float[] scales, Map<String, ChannelScaling> scalings) {
        linears.forEach(linear -> add(scalings, linear + WEIGHT, ChannelScaling.ofColumns(0, scales)));
        switch (origin) {
            case Norm norm -> {
                float[] inverse = new float[scales.length];
                for (int channel = 0; channel < scales.length; channel++) {
                    inverse[channel] = 1 / scales[channel];
                }
                add(scalings, norm.module + WEIGHT, ChannelScaling.ofColumns(norm.gainOffset, inverse));
            }
            case Rows rows -> {
                float[] inverse = new float[rows.total];
                Arrays.fill(inverse, 1);
                for (int channel = 0; channel < scales.length; channel++) {
                    inverse[rows.first + rows.row(channel)] = 1 / scales[channel];
                }
                add(scalings, rows.module + WEIGHT, ChannelScaling.ofRows(inverse));
                add(scalings, rows.module + BIAS, ChannelScaling.ofColumns(0, inverse));
            }
        }
    }

    private static void add(Map<String, ChannelScaling> scalings, String tensor, ChannelScaling scaling) {
        scalings.merge(tensor, scaling, ChannelScaling::then);
    }
}
