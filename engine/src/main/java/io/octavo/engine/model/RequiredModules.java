package io.octavo.engine.model;

import static io.octavo.engine.model.AttentionSpec.QueryKeyNorm.NONE;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Modules with a weight that a model of a known architecture has, by the names under which it is published. */
record RequiredModules(ModelSpec spec) {

    /**
     * Those beside the layers.
     *
     * @param hasHead whether something outside of the decoder can be the head under another name; one that is tied to the
     *     embedding need not be stored
     */
    Stream<String> besideLayers(boolean hasHead) {
        ModelSpec.Names names = spec.names();
        return Stream.concat(
                Stream.of(names.embedding(), names.norm()),
                hasHead || spec.tiedEmbeddings() ? Stream.of() : Stream.of(names.output()));
    }

    static List<String> of(LayerSpec layer) {
        LayerNorms norms = layer.norms();
        var modules = new ArrayList<String>();
        Stream.of(norms.beforeMixer(), norms.afterMixer(), norms.beforeFeedForward(), norms.afterFeedForward())
                .filter(Objects::nonNull)
                .forEach(modules::add);
        modules.addAll(
                switch (layer.mixer()) {
                    case AttentionSpec attention -> of(attention);
                });
        modules.addAll(
                switch (layer.feedForward()) {
                    case FeedForwardSpec.Dense dense ->
                        within(dense.names().block(), dense.names().projections());
                    case FeedForwardSpec.Experts experts -> of(experts);
                });
        return within(layer.name(), modules);
    }

    private static List<String> of(AttentionSpec attention) {
        AttentionSpec.Names names = attention.names();
        Stream<String> projections = Stream.of(names.queries(), names.keys(), names.values(), names.output())
                .distinct();
        Stream<String> norms =
                attention.queryKeyNorm() == NONE ? Stream.of() : Stream.of(names.queryNorm(), names.keyNorm());
        return within(names.block(), Stream.concat(projections, norms).toList());
    }

    private static List<String> of(FeedForwardSpec.Experts experts) {
        Set<String> projections = experts.names().projections();
        return Stream.concat(
                        Stream.of(experts.router()),
                        IntStream.range(0, experts.count())
                                .boxed()
                                .flatMap(expert -> projections.stream().map(name -> experts.module(expert, name))))
                .toList();
    }

    private static List<String> within(String parent, Iterable<String> names) {
        var modules = new ArrayList<String>();
        names.forEach(name -> modules.add(parent + "." + name));
        return modules;
    }
}
