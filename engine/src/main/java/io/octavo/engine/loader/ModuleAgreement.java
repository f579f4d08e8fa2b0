package io.octavo.engine.loader;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.module.Experts;
import io.octavo.engine.module.ModuleRole;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Whether modules are treated alike where loaders join them: q, k and v; gate and up; all experts of a layer, of which vLLM
 * asks the first one alone.
 */
public final class ModuleAgreement {

    /** How one of several joined modules is treated; without a scheme it is left alone. */
    private record Treatment(String module, String scheme) {}

    private static final String ALONE = "";

    private final Map<String, String> schemes;

    /**
     * @param quantized by name what every module that is quantized is stored as, such as its scheme's name
     * @param left modules that are left alone although they could be quantized
     */
    public ModuleAgreement(Map<String, String> quantized, Collection<String> left) {
        this.schemes = new LinkedHashMap<>(quantized);
        left.forEach(module -> schemes.put(module, ALONE));
    }

    /** @throws QuantizationException {@code IGNORE_INVALID}, with two modules that are treated differently */
    public void require() {
        Map<String, Treatment> experts = new LinkedHashMap<>();
        schemes.forEach((module, scheme) -> {
            for (String sibling : ModuleRole.fusedWith(module)) {
                if (schemes.containsKey(sibling)) {
                    requireAlike(
                            new Treatment(module, scheme),
                            new Treatment(sibling, Objects.requireNonNull(schemes.get(sibling))),
                            "loaders fuse them, so");
                }
            }
            Experts.of(module).ifPresent(layer -> {
                Treatment one = new Treatment(module, scheme);
                Treatment first = experts.putIfAbsent(layer, one);
                if (first != null) {
                    requireAlike(one, first, "loaders give all experts of a layer one scheme, so");
                }
            });
        });
    }

    private static void requireAlike(Treatment one, Treatment other, String why) {
        if (one.scheme.equals(other.scheme)) {
            return;
        }
        if (other.scheme.equals(ALONE)) {
            requireAlike(other, one, why);
        }
        String what = one.scheme.equals(ALONE)
                ? "module " + one.module + " is ignored and " + other.module + " is not; " + why
                        + " ignore all parts or none"
                : "module " + one.module + " gets " + one.scheme + " and " + other.module + " gets " + other.scheme
                        + "; " + why + " give all parts one scheme";
        throw new QuantizationException(ErrorCode.IGNORE_INVALID, what);
    }

    /**
     * Loaders of some layouts leave alone whatever has a listed name inside its own, such as {@code mlp.gate_proj} for
     * {@code mlp.gate}.
     *
     * @param listed names that the layout's list would hold
     * @throws QuantizationException {@code LAYOUT_UNSUITABLE} if they would pass over a quantized module
     */
    public static void requireNotPassedOver(Layout layout, Collection<String> quantized, Collection<String> listed) {
        if (layout != Layout.AWQ && layout != Layout.MODELOPT) {
            return;
        }
        for (String module : quantized) {
            listed.stream().filter(module::contains).findFirst().ifPresent(name -> {
                throw new QuantizationException(
                        ErrorCode.LAYOUT_UNSUITABLE,
                        "module " + module + " is quantized and " + name + " is not; loaders of layout " + layout.id()
                                + " look for the names that they skip inside others, and would leave both alone");
            });
        }
    }
}
