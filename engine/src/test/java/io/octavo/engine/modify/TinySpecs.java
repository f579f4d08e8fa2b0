package io.octavo.engine.modify;

import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import tools.jackson.databind.json.JsonMapper;

/** Models of one layer, small enough to work out by hand. */
final class TinySpecs {

    static final String LAYER = "model.layers.0.";

    private TinySpecs() {}

    static ModelSpec of(String architecture, String type) {
        return of(architecture, type, 1, 1);
    }

    /** Heads of two channels; four between gate, up and down. */
    static ModelSpec of(String architecture, String type, int heads, int kvHeads) {
        return Architectures.read(
                JsonMapper.shared().readTree("""
                {"architectures": ["%s"], "model_type": "%s", "hidden_size": %d, "num_hidden_layers": 1,
                 "num_attention_heads": %d, "num_key_value_heads": %d, "head_dim": 2, "intermediate_size": 4,
                 "vocab_size": 10, "max_position_embeddings": 16, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
                 "hidden_act": "silu", "hidden_activation": "gelu_pytorch_tanh", "query_pre_attn_scalar": 2,
                 "sliding_window": 8, "tie_word_embeddings": true}
                """.formatted(architecture, type, 2 * heads, heads, kvHeads)));
    }
}
