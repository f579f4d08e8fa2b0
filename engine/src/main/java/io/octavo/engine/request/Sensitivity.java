package io.octavo.engine.request;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * What rounding costs a model's modules, and which scheme each was given for it.
 *
 * @param bits a weight of all groups, as they were chosen
 * @param perplexityRatio of all of them together as they were chosen to the original model, where that was measured
 * @param groups those that lose most by the first scheme come first
 */
public record Sensitivity(double bits, Optional<Double> perplexityRatio, List<Group> groups) {

    /**
     * @param bits a weight, scales included
     * @param loss how far what the model says of the next token moves when these modules alone are stored so: the mean over
     *     tokens of KL(original || changed), in nats
     */
    public record Choice(double bits, double loss) {}

    /**
     * Modules that loaders take in one scheme alone.
     *
     * @param weights numbers in them
     * @param choices by the name of the scheme
     * @param chosen one of these names
     */
    public record Group(List<String> modules, long weights, Map<String, Choice> choices, String chosen) {

        public Group {
            modules = List.copyOf(modules);
            choices = Collections.unmodifiableMap(new LinkedHashMap<>(choices));
        }

        /** What the modules have in common, then what they differ in: {@code model.layers.0.mlp.gate_proj+up_proj}. */
        public String name() {
            String first = modules.getFirst();
            int cut = first.lastIndexOf('.') + 1;
            String parent = first.substring(0, cut);
            if (!modules.stream().allMatch(module -> module.startsWith(parent) && module.indexOf('.', cut) < 0)) {
                return first + " and " + (modules.size() - 1) + " more";
            }
            return parent
                    + String.join(
                            "+",
                            modules.stream()
                                    .map(module -> module.substring(cut))
                                    .toList());
        }

        public Choice choice() {
            return Objects.requireNonNull(choices.get(chosen));
        }
    }

    public Sensitivity {
        groups = List.copyOf(groups);
    }
}
