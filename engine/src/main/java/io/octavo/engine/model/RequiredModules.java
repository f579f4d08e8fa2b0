package io.octavo.engine.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Weights that a model of a known architecture has, by the names under which it is published. */
record RequiredModules(ModelSpec spec) {

    /**
     * One of them.
     *
     * @param shape {@code [outFeatures, inFeatures]}, or {@code [channels]} of a norm
     */
    record Weight(String module, List<Long> shape) {

        private static Weight matrix(String module, long rows, long columns) {
            return new Weight(module, List.of(rows, columns));
        }

        private static Weight norm(String module, long channels) {
            return new Weight(module, List.of(channels));
        }

        private Weight in(String parent) {
            return new Weight(parent + "." + module, shape);
        }
    }

    /**
     * Those beside the layers.
     *
     * @param hasHead whether something outside of the decoder can be the head under another name; one that is tied to the
     *     embedding need not be stored
     */
    Stream<Weight> besideLayers(boolean hasHead) {
        ModelSpec.Names names = spec.names();
        return Stream.concat(
                Stream.of(words(names.embedding()), Weight.norm(names.norm(), spec.hiddenSize())),
                hasHead || spec.tiedEmbeddings() ? Stream.of() : Stream.of(head()));
    }

    Weight head() {
        return words(spec.names().output());
    }

    private Weight words(String module) {
        return Weight.matrix(module, spec.vocabularySize(), spec.hiddenSize());
    }

    Stream<Weight> inLayers() {
        return spec.layers().stream().flatMap(this::of);
    }

    private Stream<Weight> of(LayerSpec layer) {
        LayerNorms norms = layer.norms();
        Stream<Weight> around = Stream.of(
                        norms.beforeMixer(), norms.afterMixer(), norms.beforeFeedForward(), norms.afterFeedForward())
                .filter(Objects::nonNull)
                .map(norm -> Weight.norm(norm, spec.hiddenSize()));
        Stream<Weight> mixer = switch (layer.mixer()) {
            case AttentionSpec attention -> of(attention);
        };
        Stream<Weight> feedForward = switch (layer.feedForward()) {
            case FeedForwardSpec.Dense dense ->
                gated(dense.names(), dense.intermediateSize())
                        .map(weight -> weight.in(dense.names().block()));
            case FeedForwardSpec.Experts experts -> of(experts);
        };
        return Stream.of(around, mixer, feedForward)
                .flatMap(Function.identity())
                .map(weight -> weight.in(layer.name()));
    }

    private Stream<Weight> of(AttentionSpec attention) {
        AttentionSpec.Names names = attention.names();
        long queries = attention.queryColumns();
        long keys = attention.keyValueColumns();
        Stream<Weight> inputs = rows(
                        List.of(names.queries(), names.keys(), names.values()), List.of(queries, keys, keys))
                .map(input -> Weight.matrix(input.getKey(), input.getValue(), spec.hiddenSize()));
        Stream<Weight> norms = switch (attention.queryKeyNorm()) {
            case NONE -> Stream.of();
            case PER_HEAD ->
                Stream.of(names.queryNorm(), names.keyNorm()).map(norm -> Weight.norm(norm, attention.headDim()));
            case WHOLE -> Stream.of(Weight.norm(names.queryNorm(), queries), Weight.norm(names.keyNorm(), keys));
        };
        return Stream.of(inputs, Stream.of(Weight.matrix(names.output(), spec.hiddenSize(), queries)), norms)
                .flatMap(Function.identity())
                .map(weight -> weight.in(names.block()));
    }

    private Stream<Weight> of(FeedForwardSpec.Experts experts) {
        return Stream.concat(
                Stream.of(Weight.matrix(experts.router(), experts.count(), spec.hiddenSize())),
                IntStream.range(0, experts.count())
                        .boxed()
                        .flatMap(expert -> gated(experts.names(), experts.intermediateSize())
                                .map(weight -> new Weight(experts.module(expert, weight.module()), weight.shape()))));
    }

    /** The projections of a gated MLP, without what holds them. */
    private Stream<Weight> gated(FeedForwardSpec.Names names, long width) {
        return Stream.concat(
                rows(List.of(names.gate(), names.up()), List.of(width, width))
                        .map(part -> Weight.matrix(part.getKey(), part.getValue(), spec.hiddenSize())),
                Stream.of(Weight.matrix(names.down(), spec.hiddenSize(), width)));
    }

    /** Projections of one name lie in one matrix. */
    private static Stream<Map.Entry<String, Long>> rows(List<String> names, List<Long> rows) {
        var together = new LinkedHashMap<String, Long>();
        for (int i = 0; i < names.size(); i++) {
            together.merge(names.get(i), rows.get(i), Long::sum);
        }
        return together.entrySet().stream();
    }
}
