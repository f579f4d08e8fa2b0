package io.octavo.engine.label;

import io.octavo.engine.scheme.Granularity;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a config declares for some of a model's Linear modules.
 *
 * @param name the group's name, or the layout's where it has no groups
 * @param targets what it applies to: module names, patterns, or {@code Linear}
 * @param inputs empty where inputs stay 16-bit
 * @param path how loaders run it; null where none is known to
 */
record DeclaredGroup(
        String name,
        List<String> targets,
        DeclaredNumbers weights,
        Optional<DeclaredNumbers> inputs,
        @Nullable LoaderPath path) {

    /** What stands for every Linear module. */
    static final List<String> EVERY_LINEAR = List.of("Linear");

    DeclaredGroup {
        targets = List.copyOf(targets);
    }

    static DeclaredGroup ofEveryLinear(
            String name, DeclaredNumbers weights, @Nullable DeclaredNumbers inputs, @Nullable LoaderPath path) {
        return new DeclaredGroup(name, EVERY_LINEAR, weights, Optional.ofNullable(inputs), path);
    }

    /** Such as {@code W8A16}. */
    String bits() {
        return "W" + weights.bits() + "A" + inputs.map(DeclaredNumbers::bits).orElse(16);
    }

    /** Such as {@code W8A8-FP8-dynamic}. */
    String text() {
        var text = new StringBuilder(bits()).append('-').append(weights.type());
        inputs.map(DeclaredNumbers::type)
                .filter(type -> !type.equals(weights.type()))
                .ifPresent(type -> text.append('-').append(type));
        if (weights.granularity() instanceof Granularity.PerBlock) {
            text.append("-block");
        }
        inputs.filter(numbers -> !numbers.family().impliesTiming())
                .ifPresent(numbers -> text.append('-')
                        .append(numbers.timing() == DeclaredNumbers.Timing.STORED ? "static" : "dynamic"));
        boolean symmetric =
                weights.symmetric() && inputs.map(DeclaredNumbers::symmetric).orElse(true);
        return text.append(symmetric ? "" : "-asym").toString();
    }
}
