"""Computes what transformers makes of small configs: logits in float32, and the defaults of its config classes.

Run in this folder with Python 3, torch 2.13 and transformers 5.18 (the versions that wrote the files beside this one).
Weights are not stored: GeneratedModel.java computes the same ones from the names and shapes in tensors.txt.

  NAME/config.json              as it lies here by hand-written cases below, never as transformers would save it
  NAME/tensors.txt              name and shape of every tensor, in the order of the file
  NAME/golden_input_ids.json    one sequence
  NAME/golden_logits_sketch.npy random projections of the logits, [tokens, 16]: see sketch below
  defaults.json                 config class by architecture: what it holds where config.json has no such key
"""
import json, os, shutil, struct, sys, tempfile, zlib
import numpy as np
import torch
import transformers

TOKENS = 24
WIDTHS = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4,
          "vocab_size": 96}
HEADS = {"num_key_value_heads": 2, "head_dim": 16}
COMMON = {**WIDTHS, **HEADS, "max_position_embeddings": 64}
ROPE = {"rope_type": "default", "rope_theta": 10000.0}
EXPERTS = {"num_experts": 4, "moe_intermediate_size": 32, "num_experts_per_tok": 2}
TYPES = {"Gemma3": "gemma3_text", "Qwen3Moe": "qwen3_moe", "SeedOss": "seed_oss"}


def of(name, *parts, without=(), **keys):
    config = {"architectures": [name + "ForCausalLM"], "model_type": TYPES.get(name, name.lower())}
    for part in (*parts, keys):
        config.update(part)
    return {key: value for key, value in config.items() if key not in without}


CASES = {
    # Every architecture with its keys spelled out.
    "llama": of("Llama", COMMON, rope_parameters=ROPE),
    "llama3-rope": of("Llama", COMMON, rope_parameters={
        "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64}),
    "mistral": of("Mistral", COMMON, rope_parameters=ROPE, sliding_window=8),
    "mixtral": of("Mixtral", COMMON, rope_parameters=ROPE, num_local_experts=4, num_experts_per_tok=2),
    "qwen2": of("Qwen2", COMMON, without=["head_dim"], rope_parameters=ROPE, use_sliding_window=False,
                sliding_window=8, max_window_layers=1),
    "qwen2-window": of("Qwen2", COMMON, without=["head_dim"], rope_parameters=ROPE, use_sliding_window=True,
                       sliding_window=8, max_window_layers=1),
    "qwen3": of("Qwen3", COMMON, rope_parameters=ROPE, tie_word_embeddings=True),
    "qwen3-moe": of("Qwen3Moe", COMMON, EXPERTS, rope_parameters=ROPE, norm_topk_prob=True),
    "phi3": of("Phi3", COMMON, without=["head_dim"], rope_parameters=ROPE, sliding_window=8, pad_token_id=None),
    "olmo2": of("Olmo2", COMMON, without=["head_dim"], rope_parameters=ROPE),
    "gemma2": of("Gemma2", COMMON, rope_parameters=ROPE, sliding_window=8, query_pre_attn_scalar=16),
    "gemma3": of("Gemma3", COMMON, num_hidden_layers=4, sliding_window=8, query_pre_attn_scalar=16,
                 layer_types=["sliding_attention", "sliding_attention", "full_attention", "sliding_attention"],
                 rope_parameters={"sliding_attention": ROPE,
                                  "full_attention": {"rope_type": "linear", "rope_theta": 1e6, "factor": 8.0}}),
    "smollm3": of("SmolLM3", COMMON, without=["head_dim"], num_hidden_layers=4, rope_parameters=ROPE, pad_token_id=None,
                  no_rope_layers=[1, 0, 1, 1]),
    "seed-oss": of("SeedOss", COMMON, rope_parameters=ROPE),
    # Only what has no default that a small model could use.
    "llama-bare": of("Llama", WIDTHS),
    "mistral-bare": of("Mistral", WIDTHS, num_attention_heads=8),
    "mixtral-bare": of("Mixtral", WIDTHS, num_attention_heads=8, intermediate_size=32),
    "qwen2-bare": of("Qwen2", WIDTHS, num_attention_heads=32, hidden_size=128),
    "qwen3-bare": of("Qwen3", WIDTHS, num_key_value_heads=2),
    "qwen3-moe-bare": of("Qwen3Moe", WIDTHS, num_experts=16, moe_intermediate_size=32),
    "phi3-bare": of("Phi3", WIDTHS, pad_token_id=None),
    "olmo2-bare": of("Olmo2", WIDTHS),
    "gemma2-bare": of("Gemma2", WIDTHS, num_attention_heads=8),
    "gemma3-bare": of("Gemma3", WIDTHS, num_attention_heads=8, num_hidden_layers=7),
    "smollm3-bare": of("SmolLM3", WIDTHS, num_hidden_layers=5, pad_token_id=None),
    "seed-oss-bare": of("SeedOss", WIDTHS, num_attention_heads=8),
    # Keys in unusual places.
    "rope-theta-top": of("Llama", COMMON, rope_parameters={"rope_type": "default"}, rope_theta=500.0),
    "rope-both": of("Llama", COMMON, rope_parameters={"rope_type": "default", "rope_theta": 500.0},
                    rope_scaling={"rope_type": "linear", "factor": 4.0}),
    "rope-scaling-holds-theta": of("Llama", COMMON, rope_theta=500.0,
                                   rope_scaling={"type": "linear", "factor": 4.0, "rope_theta": 2000.0}),
    "llama3-no-original": of("Llama", COMMON, rope_theta=10000.0, rope_scaling={
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}),
    "llama-window": of("Llama", COMMON, rope_parameters=ROPE, sliding_window=4),
    "llama-layer-types": of("Llama", COMMON, rope_parameters=ROPE, sliding_window=4,
                            layer_types=["sliding_attention"] * 3),
    "olmo2-window": of("Olmo2", COMMON, without=["head_dim"], rope_parameters=ROPE, sliding_window=4),
    "mistral-layer-types": of("Mistral", COMMON, rope_parameters=ROPE, sliding_window=8,
                              layer_types=["full_attention"] * 3),
    "mistral-no-window": of("Mistral", COMMON, rope_parameters=ROPE, sliding_window=None),
    "mixtral-window": of("Mixtral", COMMON, rope_parameters=ROPE, sliding_window=8, num_local_experts=4),
    "qwen2-no-use-key": of("Qwen2", COMMON, without=["head_dim"], rope_parameters=ROPE, sliding_window=4),
    "qwen2-no-max-layers": of("Qwen2", COMMON, without=["head_dim"], rope_parameters=ROPE, sliding_window=4,
                              use_sliding_window=True),
    "qwen2-layer-types": of("Qwen2", COMMON, without=["head_dim"], rope_parameters=ROPE, sliding_window=4,
                            use_sliding_window=True,
                            layer_types=["sliding_attention", "full_attention", "sliding_attention"]),
    "qwen3-moe-window": of("Qwen3Moe", COMMON, EXPERTS, rope_parameters=ROPE, use_sliding_window=True,
                           sliding_window=4, max_window_layers=2),
    "smollm3-window": of("SmolLM3", COMMON, without=["head_dim"], num_hidden_layers=4, pad_token_id=None,
                         use_sliding_window=True, sliding_window=4, no_rope_layer_interval=2),
    "smollm3-layer-types": of("SmolLM3", COMMON, without=["head_dim"], num_hidden_layers=4, pad_token_id=None,
                              sliding_window=4, use_sliding_window=False,
                              layer_types=["full_attention", "sliding_attention", "full_attention", "full_attention"]),
    "phi3-partial-top": of("Phi3", COMMON, without=["head_dim"], rope_theta=10000.0, partial_rotary_factor=0.5,
                           pad_token_id=None),
    "phi3-partial": of("Phi3", COMMON, without=["head_dim"], pad_token_id=None,
                       rope_parameters={**ROPE, "partial_rotary_factor": 0.75}),
    "llama-biases": of("Llama", COMMON, rope_parameters=ROPE, attention_bias=True, mlp_bias=True),
    "llama-stray-biases": of("Llama", COMMON, rope_parameters=ROPE),
    "qwen2-stray-biases": of("Qwen2", COMMON, without=["head_dim"], rope_parameters=ROPE, attention_bias=False),
    "seed-oss-biases": of("SeedOss", COMMON, rope_parameters=ROPE, attention_out_bias=True, mlp_bias=True),
    "seed-oss-stray-biases": of("SeedOss", COMMON, rope_parameters=ROPE, attention_bias=False),
    "gemma2-no-scalar": of("Gemma2", COMMON, rope_parameters=ROPE),
    "gemma3-older": of("Gemma3", COMMON, num_hidden_layers=4, sliding_window=8, sliding_window_pattern=2,
                       rope_theta=20000.0, rope_local_base_freq=500.0, rope_scaling={"rope_type": "linear", "factor": 8.0}),
    "gemma3-older-type": of("Gemma3", COMMON, num_hidden_layers=2, sliding_window=8, sliding_window_pattern=2,
                            rope_scaling={"type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                                          "high_freq_factor": 4.0, "original_max_position_embeddings": 16}),
    "tied-head-stored": of("Llama", COMMON, rope_parameters=ROPE, tie_word_embeddings=True),
}


def mix(x):
    """SplitMix64's finalizer."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def sketch(logits, columns):
    """Projects each row onto random signs of its own, so that lengths of differences are kept: a hundred small files
    that weigh little. GoldenLogits.java projects what it compares in the same way.

    logits: [rows, vocabulary]; the result is [rows, columns] in float32.
    """
    rows, vocabulary = logits.shape
    signs = 1.0 - 2.0 * (mix(np.arange(1, rows * vocabulary * columns + 1, dtype=np.uint64)) >> np.uint64(63)).astype(np.float64)
    return (np.einsum("rv,rvc->rc", logits.astype(np.float64), signs.reshape(rows, vocabulary, columns))
            / np.sqrt(columns)).astype("<f4")


def weight(name, shape, gain):
    """Nearly normal: four bytes added, in steps of 1/1024; norms store `gain` and a fourth of that."""
    count = int(np.prod(shape))
    with np.errstate(over="ignore"):
        seeds = np.uint64(zlib.crc32(name.encode())) * np.uint64(0x9E3779B97F4A7C15) + np.arange(count, dtype=np.uint64)
        bits = mix(seeds)
    total = sum(((bits >> np.uint64(8 * i)) & np.uint64(255)).astype(np.int64) for i in range(4)) - 510
    values = total.astype(np.float32) / np.float32(1024)
    if "norm" in name:
        values = gain + values / np.float32(4)
    return torch.from_numpy(values.reshape(shape)).to(torch.bfloat16)


def header(path):
    with open(path, "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        return json.loads(f.read(size))


def make(name, config):
    from safetensors.torch import save_file
    shutil.rmtree(name, ignore_errors=True)
    os.makedirs(name)
    with open(f"{name}/config.json", "w") as f:
        json.dump(config, f, indent=1)
        f.write("\n")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(f"{name}/config.json", folder)
        parsed = transformers.AutoConfig.from_pretrained(folder)
        saved = folder + "/saved"
        transformers.AutoModelForCausalLM.from_config(parsed).save_pretrained(saved)
        shapes = {k: v["shape"] for k, v in sorted(header(saved + "/model.safetensors").items()) if k != "__metadata__"}
        if name == "tied-head-stored":
            shapes = {"lm_head.weight": [96, 64], **shapes}
        if name.endswith("stray-biases"):
            shapes = dict(sorted({**shapes, **{k[:-6] + "bias": v[:1] for k, v in shapes.items() if "_proj.weight" in k}}.items()))
        # Gemma stores what is added to 1.
        gain = 0 if "Gemma" in config["architectures"][0] else 1
        tensors = {k: weight(k, shape, gain) for k, shape in shapes.items()}
        save_file(tensors, folder + "/model.safetensors", metadata={"format": "pt"})
        model, info = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
        assert not info["missing_keys"] and all(k.endswith(".bias") for k in info["unexpected_keys"]), info
        ids = (mix(np.arange(TOKENS, dtype=np.uint64)) % np.uint64(config["vocab_size"])).astype(int).tolist()
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits
    with open(f"{name}/tensors.txt", "w") as f:
        for tensor, shape in shapes.items():
            f.write(" ".join([tensor, *map(str, shape)]) + "\n")
    with open(f"{name}/golden_input_ids.json", "w") as f:
        json.dump([ids], f)
    np.save(f"{name}/golden_logits_sketch.npy", sketch(logits.numpy()[0], 16))
    print(name, len(shapes), float(logits.std()))


def defaults():
    """Of what a class declares and computes when nothing is said; whole objects as transformers writes them."""
    result = {}
    for case in CASES.values():
        architecture = case["architectures"][0]
        config = transformers.CONFIG_MAPPING[case["model_type"]]()
        shown = {k: v for k, v in config.to_dict().items() if k not in ("transformers_version", "architectures", "dtype")}
        result[architecture] = dict(sorted(shown.items()))
    with open("defaults.json", "w") as f:
        json.dump(result, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    torch.manual_seed(0)
    for case, config in CASES.items():
        if len(sys.argv) == 1 or case in sys.argv[1:]:
            make(case, config)
    defaults()
