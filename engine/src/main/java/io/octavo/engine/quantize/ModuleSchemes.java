package io.octavo.engine.quantize;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.LayoutWriters;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.modify.ChannelModifier;
import io.octavo.engine.modify.Gptq;
import io.octavo.engine.modify.Modifier;
import io.octavo.engine.module.ModulePattern;
import io.octavo.engine.request.CalibrationData;
import io.octavo.engine.request.InputObserver;
import io.octavo.engine.request.KvCacheQuantization;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.SchemeOverride;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.Scheme;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Which schemes the modules of a checkpoint get, as a recipe says.
 *
 * @param scheme of every module that no override names
 * @param overrides the first that names a module counts
 * @param modifiers what changes weights before they are rounded
 * @param kvCache how scales of the KV cache are stored; empty for none
 * @param layout in which all of it is written in the end
 */
public record ModuleSchemes(
        Scheme scheme,
        List<ModuleScheme> overrides,
        Optional<Quantization> kvCache,
        List<Modifier> modifiers,
        Layout layout) {

    /** Modules with a scheme of their own. */
    public record ModuleScheme(Scheme scheme, List<ModulePattern> targets) {

        public ModuleScheme {
            targets = List.copyOf(targets);
        }

        boolean names(String module) {
            return targets.stream().anyMatch(target -> target.matches(module));
        }
    }

    public ModuleSchemes {
        overrides = List.copyOf(overrides);
        modifiers = List.copyOf(modifiers);
    }

    /** One scheme for everything. */
    static ModuleSchemes of(Scheme scheme) {
        return new ModuleSchemes(scheme, List.of(), Optional.empty(), List.of(), Layout.COMPRESSED_TENSORS);
    }

    /**
     * @throws io.octavo.engine.failure.QuantizationException {@code SCHEME_UNKNOWN}, {@code LAYOUT_UNKNOWN} or {@code
     *     IGNORE_INVALID}
     */
    public static ModuleSchemes of(Recipe recipe) {
        return new ModuleSchemes(
                Scheme.named(recipe.scheme()),
                recipe.overrides().stream().map(ModuleSchemes::override).toList(),
                recipe.kvCache().map(ModuleSchemes::kvCache),
                recipe.modifiers(),
                Layout.named(recipe.layout()));
    }

    private static ModuleScheme override(SchemeOverride override) {
        return new ModuleScheme(
                Scheme.named(override.scheme()),
                override.targets().stream()
                        .map(target -> ModulePattern.parse(target, ErrorCode.IGNORE_INVALID))
                        .toList());
    }

    private static Quantization kvCache(KvCacheQuantization cache) {
        NumberType type = switch (cache) {
            case FP8_PER_TENSOR, FP8_PER_HEAD -> NumberType.FloatType.E4M3;
            case INT8_PER_TENSOR, INT8_PER_HEAD -> new NumberType.IntType(Byte.SIZE);
        };
        Granularity granularity = switch (cache) {
            case FP8_PER_TENSOR, INT8_PER_TENSOR -> new Granularity.PerTensor();
            case FP8_PER_HEAD, INT8_PER_HEAD -> new Granularity.PerHead();
        };
        return Quantization.stored(type, granularity);
    }

    /**
     * Whether the layout can say all of this, before there are any numbers.
     *
     * @throws QuantizationException {@code LAYOUT_UNSUITABLE} if not
     */
    public void requireSuitable() {
        if (layout == Layout.COMPRESSED_TENSORS) {
            return;
        }
        LayoutWriters.requireSuitable(layout, scheme, kvCache);
        boolean gptq = layout == Layout.GPTQ || layout == Layout.GPTQ_V2;
        if (gptq && !scheme.weights().symmetric()) {
            throw new QuantizationException(
                    ErrorCode.LAYOUT_UNSUITABLE,
                    "vLLM loads layout " + layout.id() + " of symmetric weights alone, and " + scheme.name()
                            + " has zero points; choose layout awq or compressed-tensors");
        }
        for (ModuleScheme override : overrides) {
            boolean alike = override.scheme().weights().equals(scheme.weights())
                    && override.scheme().inputs().equals(scheme.inputs());
            if (!alike) {
                throw new QuantizationException(
                        ErrorCode.LAYOUT_UNSUITABLE,
                        "layout " + layout.id() + " holds one scheme, not both " + scheme.name() + " and "
                                + override.scheme().name());
            }
        }
    }

    /** The scheme of a module that is quantized. */
    Scheme schemeOf(String module) {
        return overrides.stream()
                .filter(override -> override.names(module))
                .findFirst()
                .map(ModuleScheme::scheme)
                .orElse(scheme);
    }

    /** Whether the model must be run on data. */
    public boolean needsCalibration() {
        return solver().isPresent() || needsRanges();
    }

    /** Whether what activations showed decides stored numbers, or what channels are multiplied by. */
    public boolean needsRanges() {
        return channelModifiers().stream().anyMatch(Modifier::needsData)
                || kvCache.isPresent()
                || scheme.needsCalibration()
                || overrides.stream().anyMatch(override -> override.scheme().needsCalibration());
    }

    List<ChannelModifier> channelModifiers() {
        return modifiers.stream()
                .filter(ChannelModifier.class::isInstance)
                .map(ChannelModifier.class::cast)
                .toList();
    }

    /**
     * What ranges of inputs are learnt from. Floats are as fine near zero whatever their range, so that nothing is gained where
     * it ends before the largest number.
     */
    public CalibrationData observing(CalibrationData data) {
        boolean integers = scheme.inputs()
                .filter(inputs -> inputs.type() instanceof NumberType.IntType)
                .isPresent();
        return integers || data.shape().observer() != InputObserver.MSE
                ? data
                : new CalibrationData(data.dataset(), data.shape().withObserver(InputObserver.MINMAX));
    }

    /** Linears whose inputs modifiers must see, channel by channel. */
    Set<String> observed(ModelSpec spec) {
        return channelModifiers().stream()
                .flatMap(modifier -> modifier.observed(spec).stream())
                .collect(Collectors.toSet());
    }

    /** Those of them of whose inputs modifiers must know E[x²]. */
    public Set<String> weighed(ModelSpec spec) {
        return channelModifiers().stream()
                .flatMap(modifier -> modifier.weighed(spec).stream())
                .collect(Collectors.toSet());
    }

    /** What solves codes in place of rounding. */
    public Optional<Gptq> solver() {
        return modifiers.stream()
                .filter(Gptq.class::isInstance)
                .map(Gptq.class::cast)
                .findFirst();
    }

    /** For people: the scheme's name, and those of its overrides. */
    public String name() {
        var name = new StringBuilder(scheme.name());
        overrides.forEach(
                override -> name.append(" + ").append(override.scheme().name()));
        kvCache.ifPresent(cache ->
                name.append(cache.type() instanceof NumberType.IntType ? " + INT8 KV cache" : " + FP8 KV cache"));
        modifiers.forEach(modifier -> name.append(" + ").append(modifier.name()));
        return name.toString();
    }
}
