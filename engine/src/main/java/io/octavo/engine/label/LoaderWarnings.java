package io.octavo.engine.label;

import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.loader.ExpertLoaders;
import io.octavo.engine.loader.FamilyLoaders;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** What is known to go wrong with kinds of checkpoints, whatever the single file says. */
final class LoaderWarnings {

    private static final String MXFP4 = "MXFP4 needs sm_80 or newer; native on sm_100 and newer";

    static final String SLOW_IN_BATCHES =
            "4 bits beside 16-bit inputs save memory traffic, not arithmetic: on Hopper, prompts and batches of more than"
                    + " about 256 tokens a step run no faster than 16 bits, by vLLM slower; FP8_DYNAMIC and W8A8 do";

    private static final String SLOW_ORDER = "slower kernels, and tensor-parallel row shards cannot split groups";
    private static final Set<Integer> MARLIN_GROUPS = Set.of(32, 64, 128);

    private LoaderWarnings() {}

    /**
     * Of the spelling, of what each group declares, and of the ways in which loaders run them.
     *
     * @param config the root of config.json, which tells whether there are experts
     */
    static List<String> of(Declaration declaration, JsonNode config) {
        Stream<String> ofGroups = declaration.groups().stream()
                .flatMap(group -> of(declaration.layout(), group, LoaderPath.of(declaration.layout(), group)).stream());
        Stream<String> ofPaths =
                declaration.groups().stream().flatMap(group -> of(LoaderPath.of(declaration.layout(), group)).stream());
        boolean staticInputs = declaration.groups().stream()
                .anyMatch(group -> LoaderPath.of(declaration.layout(), group) == LoaderPath.FP8
                        && group.inputs().filter(Quantization::dynamic).isEmpty());
        List<Declaration.Group> experts = declaration.groups().stream()
                .filter(group -> ExpertLoaders.areOf(group, declaration, config))
                .toList();
        Stream<String> ofExperts = Stream.concat(
                experts.stream().flatMap(group -> ExpertLoaders.warnings(declaration.layout(), group, config)),
                ExpertLoaders.mixedInTransformers(declaration.layout(), experts, config).stream());
        Stream<String> ofFamily = declaration.groups().stream()
                .flatMap(group ->
                        FamilyLoaders.lostInTransformers(declaration.layout(), group.weights(), group.inputs(), config)
                                .stream());
        return Stream.of(
                        ofGroups,
                        ofExperts,
                        ofFamily,
                        declaration.warnings().stream(),
                        ofPaths,
                        staticInputs
                                ? Stream.of("below sm_89 the stored input scales are ignored")
                                : Stream.<String>empty())
                .flatMap(warnings -> warnings)
                .distinct()
                .toList();
    }

    private static List<String> of(Layout layout, Declaration.Group group, @Nullable LoaderPath path) {
        var warnings = new ArrayList<String>();
        Quantization weights = group.weights();
        if (weights.type().bits() == 4 && group.inputs().isEmpty()) {
            warnings.add(SLOW_IN_BATCHES);
        }
        switch (layout) {
            case COMPRESSED_TENSORS -> {
                if (path == null) {
                    warnings.add("config_groups." + shortened(group.name()) + ": no loader is known to run weights "
                            + NumberFamily.description(weights)
                            + group.inputs()
                                    .map(inputs -> " with inputs " + NumberFamily.description(inputs))
                                    .orElse(""));
                }
                if (path == LoaderPath.WEIGHT_ONLY
                        && weights.type() instanceof NumberType.IntType
                        && weights.granularity() instanceof Granularity.PerGroup groups
                        && !MARLIN_GROUPS.contains(groups.size())) {
                    warnings.add("groups of " + groups.size()
                            + " have no Marlin kernel; it takes groups of 32, 64 or 128, or whole channels");
                }
                if (group.actOrder()) {
                    warnings.add("actorder is \"group\": " + SLOW_ORDER);
                }
            }
            case GPTQ, GPTQ_V2 -> {
                if (path == LoaderPath.GPTQ_WITHOUT_KERNEL) {
                    warnings.add(LoaderPath.GPTQ_ALLOWED);
                }
                if (group.actOrder()) {
                    warnings.add("desc_act: " + SLOW_ORDER);
                }
            }
            case FP8, AWQ, MODELOPT -> {}
        }
        return warnings;
    }

    private static String shortened(String name) {
        return name.length() > 40 ? name.substring(0, 40) + "…" : name;
    }

    private static List<String> of(@Nullable LoaderPath path) {
        if (path == null) {
            return List.of();
        }
        return switch (path) {
            case FP8 -> List.of("below sm_89 inputs stay 16-bit: W8A16");
            case FP8_BLOCK ->
                List.of("on sm_89, vLLM 0.29.0 is reported to expand block FP8 weights to 16 bits: W8A16");
            case FP8_NATIVE_ONLY ->
                List.of("modelopt FP8 needs sm_89 or newer; compressed-tensors also runs on older GPUs");
            case INT8 ->
                List.of("INT8 on Blackwell: current vLLM fails at start-up on sm_100 and sm_120; prefer FP8 there");
            case INT4_FP8 -> List.of("W4AFP8 runs on sm_90 only");
            case NVFP4 -> List.of("off Blackwell, NVFP4 is weight-only: W4A16");
            case FP8_WEIGHT_ONLY ->
                List.of(
                        "FP8 weights beside 16-bit inputs run by Marlin below sm_89; newer GPUs need the humming-kernels package");
            case MXFP4 -> List.of(MXFP4);
            case MXFP4_WEIGHT_ONLY ->
                List.of(MXFP4, "MXFP4A16 is MXFP4 to vLLM: on sm_100 and newer it rounds inputs to 4 bits as well");
            case MXFP8, MODELOPT_MXFP8 -> List.of("off Blackwell, MXFP8 is weight-only: W8A16");
            case WEIGHT_ONLY, GPTQ_WITHOUT_KERNEL -> List.of();
        };
    }
}
