package io.octavo.engine.module;

import static io.octavo.engine.module.ModuleRole.ATTENTION_OUTPUT;
import static io.octavo.engine.module.ModuleRole.DOWN;
import static io.octavo.engine.module.ModuleRole.GATE;
import static io.octavo.engine.module.ModuleRole.GATE_UP;
import static io.octavo.engine.module.ModuleRole.KEY;
import static io.octavo.engine.module.ModuleRole.LATENT_KEY_VALUE;
import static io.octavo.engine.module.ModuleRole.LATENT_QUERY;
import static io.octavo.engine.module.ModuleRole.MIXER_DECAY;
import static io.octavo.engine.module.ModuleRole.MIXER_GATE;
import static io.octavo.engine.module.ModuleRole.MIXER_INPUT;
import static io.octavo.engine.module.ModuleRole.MIXER_STEP;
import static io.octavo.engine.module.ModuleRole.PROJECTION;
import static io.octavo.engine.module.ModuleRole.QUERY;
import static io.octavo.engine.module.ModuleRole.QUERY_KEY_VALUE;
import static io.octavo.engine.module.ModuleRole.UP;
import static io.octavo.engine.module.ModuleRole.VALUE;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Projections of decoder blocks by the names that families of architectures give them. */
final class Projections {

    /** @param fused names of the modules that loaders join, this one among them; empty for one that stays alone */
    record Part(String name, ModuleRole role, List<String> fused) {}

    /** Each row holds names that loaders join, or one that stays alone. The first rows are Llama's and Mixtral's. */
    private static final List<List<Part>> ROWS = List.of(
            fused(part("q_proj", QUERY), part("k_proj", KEY), part("v_proj", VALUE)),
            fused(part("gate_proj", GATE), part("up_proj", UP)),
            fused(part("w1", GATE), part("w3", UP)),
            alone(QUERY_KEY_VALUE, "qkv_proj"),
            alone(ATTENTION_OUTPUT, "o_proj"),
            alone(GATE_UP, "gate_up_proj"),
            alone(DOWN, "down_proj", "w2"),
            // Multi-head latent attention.
            fused(part("q_a_proj", LATENT_QUERY), part("kv_a_proj_with_mqa", LATENT_KEY_VALUE)),
            // Gated delta nets.
            fused(part("in_proj_qkv", MIXER_INPUT), part("in_proj_z", MIXER_GATE)),
            fused(part("in_proj_b", MIXER_STEP), part("in_proj_a", MIXER_DECAY)),
            // BERT's, Molmo 2's, EXAONE 3's and Cohere ASR's, which vLLM joins.
            fused(part("query", QUERY), part("key", KEY), part("value", VALUE)),
            fused(part("wq", QUERY), part("wk", KEY), part("wv", VALUE)),
            fused(part("c_fc_0", GATE), part("c_fc_1", UP)),
            fused(part("query_net", QUERY), part("key_net", KEY), part("value_net", VALUE)),
            // Names of older families, whose parts loaders do not join or which are joined on disk.
            alone(QUERY, "q"),
            alone(KEY, "k"),
            alone(VALUE, "v"),
            alone(PROJECTION, "query_key_value", "wqkv", "w_pack", "qkv", "c_attn", "q_attn", "kv_proj"),
            alone(PROJECTION, "dense", "dense_h_to_4h", "dense_4h_to_h", "c_proj", "c_fc", "fc1", "fc2"),
            alone(PROJECTION, "fc_in", "fc_out", "wi", "wi_0", "wi_1", "wo", "o", "out_proj", "in_proj", "proj"),
            alone(PROJECTION, "q_b_proj", "kv_b_proj", "kv_a_proj", "q_down_proj", "q_up_proj", "wq_b"),
            alone(PROJECTION, "in_proj_qkvz", "in_proj_ba", "x_proj", "dt_proj", "g_proj", "b_proj", "f_a_proj"),
            alone(PROJECTION, "f_b_proj", "g_a_proj", "g_b_proj", "weights_proj", "dense_1", "dense_2", "wkv"));

    private static final Map<String, Part> BY_NAME =
            ROWS.stream().flatMap(List::stream).collect(Collectors.toUnmodifiableMap(Part::name, part -> part));

    private Projections() {}

    private static Part part(String name, ModuleRole role) {
        return new Part(name, role, List.of());
    }

    private static List<Part> fused(Part... parts) {
        List<String> names = Stream.of(parts).map(Part::name).toList();
        return Stream.of(parts)
                .map(part -> new Part(part.name, part.role, names))
                .toList();
    }

    private static List<Part> alone(ModuleRole role, String... names) {
        return Stream.of(names).map(name -> part(name, role)).toList();
    }

    /** @param name the last part of a module's name */
    static Optional<Part> named(String name) {
        return Optional.ofNullable(BY_NAME.get(name));
    }

    static List<String> fusedWith(String name) {
        return named(name).map(Part::fused).orElse(List.of());
    }
}
