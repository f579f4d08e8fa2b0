package io.octavo.engine.request;

import io.octavo.engine.modify.Gptq;
import io.octavo.engine.modify.Modifier;
import io.octavo.engine.modify.SmoothQuant;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Scheme;
import java.util.List;
import java.util.Optional;

/**
 * How a checkpoint is quantized: all that decides what becomes of it beside its own bytes and those of the data. Plans and
 * quantizations take the same one, so what a plan accepts is what will be done.
 *
 * @param scheme preset name, such as {@code FP8_DYNAMIC}
 * @param layout how it is written, such as {@code compressed-tensors}
 * @param ignore modules to leave alone beside the defaults: exact names or {@code re:<regex>}
 * @param overrides modules that get other schemes
 * @param kvCache whether scales of the KV cache are stored
 * @param modifiers what changes weights before they are rounded, in this order
 * @param calibration how much data there is; needed by modifiers and where scales of inputs or of the KV cache are stored
 * @param budget what limits which schemes modules get where they need not all get this one; needs calibration
 */
public record Recipe(
        String scheme,
        String layout,
        List<String> ignore,
        List<SchemeOverride> overrides,
        Optional<KvCacheQuantization> kvCache,
        List<Modifier> modifiers,
        Optional<CalibrationShape> calibration,
        Optional<Budget> budget) {

    /** Where inputs are integers, outliers among them cost most. */
    private static final double INTEGER_ALPHA = 0.8;

    public Recipe {
        ignore = List.copyOf(ignore);
        overrides = List.copyOf(overrides);
        modifiers = List.copyOf(modifiers);
    }

    /** One scheme for everything, and no data. */
    public Recipe(String scheme, String layout, List<String> ignore) {
        this(scheme, layout, ignore, List.of(), Optional.empty(), List.of(), Optional.empty(), Optional.empty());
    }

    public Recipe withBudget(Budget limit) {
        return new Recipe(scheme, layout, ignore, overrides, kvCache, modifiers, calibration, Optional.of(limit));
    }

    public Recipe withoutBudget() {
        return new Recipe(scheme, layout, ignore, overrides, kvCache, modifiers, calibration, Optional.empty());
    }

    /** One scheme for everything that this one does not leave alone, and nothing but rounding. */
    public Recipe plain(String other) {
        return new Recipe(other, layout, ignore, List.of(), Optional.empty(), List.of(), calibration, Optional.empty());
    }

    public Recipe withIgnore(List<String> modules) {
        return new Recipe(scheme, layout, modules, overrides, kvCache, modifiers, calibration, budget);
    }

    public Recipe withOverrides(List<SchemeOverride> others) {
        return new Recipe(scheme, layout, ignore, others, kvCache, modifiers, calibration, budget);
    }

    public Recipe withKvCache(KvCacheQuantization cache) {
        return new Recipe(scheme, layout, ignore, overrides, Optional.of(cache), modifiers, calibration, budget);
    }

    public Recipe withModifiers(List<Modifier> others) {
        return new Recipe(scheme, layout, ignore, overrides, kvCache, others, calibration, budget);
    }

    public Recipe withCalibration(CalibrationShape shape) {
        return new Recipe(scheme, layout, ignore, overrides, kvCache, modifiers, Optional.of(shape), budget);
    }

    /**
     * What makes a scheme's files better, as docs/recipes.md recommends it.
     *
     * @throws io.octavo.engine.failure.QuantizationException {@code SCHEME_UNKNOWN}
     */
    public static List<Modifier> bestModifiers(String scheme) {
        boolean integerInputs = Scheme.named(scheme)
                .inputs()
                .filter(inputs -> inputs.type() instanceof NumberType.IntType)
                .isPresent();
        return integerInputs ? List.of(new SmoothQuant(INTEGER_ALPHA), new Gptq()) : List.of(new Gptq());
    }
}
