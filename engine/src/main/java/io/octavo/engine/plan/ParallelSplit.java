package io.octavo.engine.plan;

import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.loader.SchemeFit;
import io.octavo.engine.module.ModuleRole;
import io.octavo.engine.module.ModuleRole.Cut;
import io.octavo.engine.plan.PlanReport.ModuleGroup;
import io.octavo.engine.plan.PlanReport.TensorParallel;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Granularity.PerBlock;
import io.octavo.engine.scheme.Granularity.PerGroup;
import io.octavo.engine.scheme.Scheme;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/**
 * Whether a result can be split over several GPUs as loaders do it: heads over GPUs, projections into a block by output
 * features, those out of it by input features. A scale must not span a cut.
 */
final class ParallelSplit {

    private static final List<Integer> WAYS = List.of(1, 2, 4, 8);
    private static final String EXPERTS = ".experts.";

    private final JsonNode config;
    private final List<ModuleGroup> quantized;
    private final Layout layout;

    /**
     * @param config the root of config.json
     * @param layout in which the result is written
     */
    ParallelSplit(JsonNode config, List<ModuleGroup> modules, Layout layout) {
        JsonNode text = config.path("text_config");
        this.config = text.isObject() ? text : config;
        this.layout = layout;
        this.quantized = modules.stream().filter(ModuleGroup::quantized).toList();
    }

    List<TensorParallel> report() {
        return WAYS.stream()
                .map(ways -> {
                    List<String> obstacles = ways == 1 ? List.of() : obstacles(ways);
                    return new TensorParallel(ways, obstacles.isEmpty(), obstacles);
                })
                .toList();
    }

    private List<String> obstacles(int ways) {
        List<String> obstacles = new ArrayList<>();
        int heads = config.path("num_attention_heads").asInt(0);
        int keyHeads = config.path("num_key_value_heads").asInt(heads);
        if (heads % ways != 0) {
            obstacles.add("num_attention_heads " + heads + " is not divisible by " + ways);
        }
        if (keyHeads > 0 && keyHeads % ways != 0 && ways % keyHeads != 0) {
            obstacles.add("num_key_value_heads " + keyHeads + " neither is divisible by " + ways + " nor divides it");
        }
        for (ModuleGroup group : quantized) {
            String scheme = group.scheme();
            if (scheme == null) {
                continue; // scales of the KV cache
            }
            Granularity granularity = Scheme.named(scheme).weights().granularity();
            long outFeatures = group.shape().getFirst();
            long inFeatures = group.shape().getLast();
            Cut cut = ModuleRole.named(group.name()).cut();
            if (group.name().contains(EXPERTS)) {
                checkExpert(group, cut, ways, SchemeFit.expertTile(Scheme.named(scheme)), obstacles);
            }
            switch (cut) {
                case HEADS -> checkHeads(group.name(), outFeatures, ways, granularity, obstacles);
                // Key heads that are fewer than the GPUs are copied.
                case KEY_HEADS ->
                    checkHeads(
                            group.name(),
                            outFeatures,
                            keyHeads > 0 ? Math.min(ways, keyHeads) : ways,
                            granularity,
                            obstacles);
                case OUTPUT -> checkOutput(group.name(), outFeatures, ways, granularity, obstacles);
                case OUTPUT_HALVES -> checkOutput(group.name(), outFeatures, 2 * ways, granularity, obstacles);
                case INPUT -> checkInput(group.name(), inFeatures, ways, granularity, obstacles);
                case NONE -> {}
            }
        }
        return obstacles;
    }

    private static void checkExpert(ModuleGroup expert, Cut cut, int ways, int tile, List<String> obstacles) {
        long size = cut == Cut.INPUT ? expert.shape().getLast() : expert.shape().getFirst();
        if (size % ways == 0 && size / ways % tile != 0) {
            obstacles.add(expert.name() + ": " + size + " / " + ways + " = " + size / ways + " is not divisible by the "
                    + tile + " that vLLM wants of experts");
        }
    }

    /** The heads say how a projection of heads is cut, so that only a block can stand in the way. */
    private static void checkHeads(
            String module, long outFeatures, int parts, Granularity granularity, List<String> obstacles) {
        if (outFeatures % parts == 0) {
            checkOutput(module, outFeatures, parts, granularity, obstacles);
        }
    }

    private static void checkOutput(
            String module, long outFeatures, int parts, Granularity granularity, List<String> obstacles) {
        if (outFeatures % parts != 0) {
            obstacles.add(module + ": outFeatures " + outFeatures + " is not divisible by " + parts);
        } else if (granularity instanceof PerBlock block && outFeatures / parts % block.rows() != 0) {
            obstacles.add(module + ": outFeatures " + outFeatures + " / " + parts + " = " + outFeatures / parts
                    + " is not divisible by the block's " + block.rows() + " rows");
        }
    }

    private void checkInput(String module, long inFeatures, int ways, Granularity granularity, List<String> obstacles) {
        if (inFeatures % ways != 0) {
            obstacles.add(module + ": inFeatures " + inFeatures + " is not divisible by " + ways);
            return;
        }
        long shared = switch (granularity) {
            case PerGroup group -> group.size();
            case PerBlock block -> block.columns();
            case Granularity.PerTensorGroup group -> group.size();
            case Granularity.PerHead perHead -> 1;
            case Granularity.PerTensor perTensor -> 1;
            case Granularity.PerChannel perChannel -> 1;
            case Granularity.PerToken perToken -> 1;
        };
        if (layout == Layout.AWQ && granularity instanceof Granularity.PerChannel) {
            obstacles.add(module + ": a scale a channel, which vLLM does not load on several GPUs from layout awq");
        }
        boolean misread = layout == Layout.GPTQ || layout == Layout.GPTQ_V2;
        if (inFeatures / ways % shared != 0) {
            obstacles.add(module + ": inFeatures " + inFeatures + " / " + ways + " = " + inFeatures / ways
                    + " is not divisible by the " + shared + " input channels that share a scale"
                    + (misread ? "; vLLM does not refuse that in this layout, but reads scales of other rows" : ""));
        }
    }
}
