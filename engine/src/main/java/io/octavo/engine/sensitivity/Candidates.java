package io.octavo.engine.sensitivity;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.LayerSpec;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.module.Experts;
import io.octavo.engine.module.ModuleRole;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.quantize.Quantizer;
import io.octavo.engine.request.Budget;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.scheme.Quantization;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Groups of a model's modules, and the schemes that each may get.
 *
 * @param own the recipe's scheme, which every group may get; the first of each group's
 * @param groups in the order of the model
 */
record Candidates(String own, List<Modules> groups) {

    /**
     * Modules that loaders take in one scheme alone.
     *
     * @param layer number of their decoder layer
     * @param bySchemes what each scheme makes of them; nothing for those that are kept
     */
    record Modules(int layer, Map<String, List<Quantize>> bySchemes) {

        List<Quantize> in(String scheme) {
            return Objects.requireNonNull(bySchemes.get(scheme), scheme);
        }

        List<Quantize> first() {
            return bySchemes.values().iterator().next();
        }

        List<String> names() {
            return first().stream().map(Quantize::module).toList();
        }

        /** Numbers in them. */
        long weights() {
            return first().stream()
                    .mapToLong(action -> action.outFeatures() * action.inFeatures())
                    .sum();
        }

        /** Of a weight, scales included. */
        double bits(String scheme) {
            long bytes = in(scheme).stream().mapToLong(Quantize::outputBytes).sum();
            return in(scheme).isEmpty() ? Budget.KEPT_BITS : (double) bytes * Byte.SIZE / weights();
        }

        /** Of what a weight is multiplied by. */
        int inputBits(String scheme) {
            return in(scheme).stream()
                    .findFirst()
                    .flatMap(action -> action.scheme().inputs())
                    .map(Quantization::type)
                    .map(type -> type.bits())
                    .orElse(Budget.KEPT_BITS);
        }
    }

    /** @throws QuantizationException {@code SCHEME_UNSUITABLE} where the recipe's own scheme does not fit */
    static Candidates of(Checkpoint source, Recipe recipe, Budget budget, JobMonitor monitor) {
        ModelSpec spec = Architectures.read(source.config().tree());
        List<String> layers = spec.layers().stream().map(LayerSpec::name).toList();
        var groups = new LinkedHashMap<String, Modules>();
        for (String scheme : budget.schemes(recipe.scheme())) {
            for (Quantize action : quantized(source, recipe, scheme, monitor)) {
                for (int layer = 0; layer < layers.size(); layer++) {
                    if (action.module().startsWith(layers.get(layer) + ".")) {
                        int number = layer;
                        groups.computeIfAbsent(
                                        group(action.module()), key -> new Modules(number, new LinkedHashMap<>()))
                                .bySchemes
                                .computeIfAbsent(scheme, key -> new ArrayList<>())
                                .add(action);
                    }
                }
            }
        }
        if (budget.candidates().contains(Budget.KEPT)) {
            groups.values().forEach(modules -> modules.bySchemes.put(Budget.KEPT, List.of()));
        }
        return new Candidates(recipe.scheme(), List.copyOf(groups.values()));
    }

    /** Numbers in a module. */
    long averageWeights() {
        long modules = groups.stream().mapToLong(group -> group.names().size()).sum();
        return groups.stream().mapToLong(Modules::weights).sum() / modules;
    }

    /** A candidate that does not fit all modules is left out aloud: groups of 128, say, do not divide every width. */
    private static List<Quantize> quantized(Checkpoint source, Recipe recipe, String scheme, JobMonitor monitor) {
        try {
            return Quantizer.plan(source, recipe.plain(scheme)).quantized();
        } catch (QuantizationException e) {
            if (e.code() == ErrorCode.SCHEME_UNSUITABLE && !scheme.equals(recipe.scheme())) {
                monitor.log("warning: no module gets " + scheme + ": " + e.getMessage());
                return List.of();
            }
            throw e;
        }
    }

    /** Modules with the same answer get the same scheme, as loaders need it. */
    private static String group(String module) {
        List<String> fused = ModuleRole.fusedWith(module);
        return Experts.of(module).orElse(fused.isEmpty() ? module : fused.getFirst());
    }
}
