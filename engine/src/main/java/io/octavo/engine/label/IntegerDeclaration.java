package io.octavo.engine.label;

import static io.octavo.engine.label.LenientJson.flag;
import static io.octavo.engine.label.LenientJson.integer;
import static io.octavo.engine.label.LenientJson.shown;
import static io.octavo.engine.label.LenientJson.text;

import io.octavo.engine.label.DeclaredNumbers.Family;
import io.octavo.engine.label.DeclaredNumbers.Timing;
import io.octavo.engine.scheme.Granularity;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** Reads {@code awq} and {@code gptq}: weight-only integers in groups. */
final class IntegerDeclaration {

    private static final Set<Integer> GPTQ_BITS = Set.of(2, 3, 4, 8);
    private static final int WHOLE_ROWS = -1;

    private IntegerDeclaration() {}

    static Declaration awq(JsonNode config) {
        var declared = new Declaration.Builder();
        int bits = integer(config, "bits").or(() -> integer(config, "w_bit")).orElse(0);
        Optional<Granularity> granularity =
                granularity(integer(config, "group_size").or(() -> integer(config, "q_group_size")));
        String version = text(config, "version").orElse("gemm").toLowerCase(Locale.ROOT);
        if (bits != 4 || granularity.isEmpty() || !version.equals("gemm")) {
            return Declaration.unknown("awq with bits " + shown(config.path("bits")) + ", group_size "
                    + shown(config.path("group_size")) + " and version " + shown(config.path("version")));
        }
        var weights = new DeclaredNumbers(
                Family.INT, bits, granularity.get(), !flag(config, "zero_point", true), Timing.STORED);
        declared.add(DeclaredGroup.ofEveryLinear("awq", weights, null, LoaderPath.WEIGHT_ONLY));
        if (!config.path("modules_to_not_convert").isArray()) {
            declared.warn("modules_to_not_convert is missing: loaders guess from the tensors what is left alone");
        }
        return declared.build();
    }

    static Declaration gptq(JsonNode config) {
        var declared = new Declaration.Builder();
        int bits = integer(config, "bits").orElse(0);
        Optional<Granularity> granularity = granularity(integer(config, "group_size"));
        boolean symmetric = flag(config, "sym", true);
        if (!GPTQ_BITS.contains(bits) || granularity.isEmpty()) {
            return Declaration.unknown("gptq with bits " + shown(config.path("bits")) + " and group_size "
                    + shown(config.path("group_size")));
        }
        var weights = new DeclaredNumbers(Family.INT, bits, granularity.get(), symmetric, Timing.STORED);
        boolean loads = symmetric && (bits == 4 || bits == 8);
        declared.add(DeclaredGroup.ofEveryLinear(
                "gptq", weights, null, loads ? LoaderPath.WEIGHT_ONLY : LoaderPath.GPTQ_WITHOUT_KERNEL));
        if (!loads) {
            declared.warn("vLLM loads gptq of symmetric weights of 4 or 8 bits alone");
        }
        if (flag(config, "desc_act", false)) {
            declared.warn("desc_act: slower kernels, and tensor-parallel row shards cannot split groups");
        }
        if (!config.path("dynamic").isEmpty()) {
            declared.warn("dynamic changes bits or groups of some modules, which this label does not show");
        }
        return declared.build();
    }

    private static Optional<Granularity> granularity(Optional<Integer> groupSize) {
        return groupSize
                .filter(size -> size > 0 || size == WHOLE_ROWS)
                .map(size -> size == WHOLE_ROWS ? new Granularity.PerChannel() : new Granularity.PerGroup(size));
    }
}
