package io.octavo.engine.calibrate;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.calibrate.ActivationRanges.Range;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class CalibratorTest {

    @Test
    void givesAllExpertsOfALayerOneRange() {
        ModelSpec spec = Architectures.read(JsonMapper.shared().readTree("""
                {"architectures": ["MixtralForCausalLM"], "hidden_size": 64, "num_hidden_layers": 2,
                 "num_attention_heads": 4, "num_key_value_heads": 4, "intermediate_size": 32, "num_local_experts": 3,
                 "num_experts_per_tok": 2,
                 "vocab_size": 100}
                """));
        String first = "model.layers.0.block_sparse_moe.experts.";
        String second = "model.layers.1.block_sparse_moe.experts.";
        var seen = new ActivationRanges(
                Map.of(
                        first + "0.w2",
                        new Range(-1, 5),
                        first + "2.w2",
                        new Range(-3, 2),
                        second + "1.w2",
                        new Range(-7, 0),
                        "model.layers.0.self_attn.q_proj",
                        new Range(-2, 2)),
                Map.of(),
                Map.of(),
                Map.of(),
                Map.of());

        ActivationRanges shared = Calibrator.sharedByExperts(seen, spec);

        Range both = new Range(-3, 5);
        assertThat(shared.inputs())
                .containsOnly(
                        Map.entry(first + "0.w2", both),
                        Map.entry(first + "1.w2", both),
                        Map.entry(first + "2.w2", both),
                        Map.entry(second + "0.w2", new Range(-7, 0)),
                        Map.entry(second + "1.w2", new Range(-7, 0)),
                        Map.entry(second + "2.w2", new Range(-7, 0)),
                        Map.entry("model.layers.0.self_attn.q_proj", new Range(-2, 2)));
    }
}
