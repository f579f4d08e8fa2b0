"""Writes one small checkpoint a foreign layout, and what its weights are, without any of Octavo's code.

Run with Python 3 and numpy in this folder. Sources of the layouts: docs/checkpoint-formats.md, sections 3.3, 3.4, 6 to 8.
Every folder holds config.json, model.safetensors and expected.f32: the dequantized [N, K] weight, row-major.
"""
import json, os, struct
import numpy as np

N, K, G = 16, 64, 32
MODULE = "model.layers.0.mlp.up_proj"
rng = np.random.default_rng(20261122)
TYPES = {"int32": "I32", "float16": "F16", "float32": "F32", "uint8": "U8"}


def e4m3_values():
    values = np.zeros(256)
    for code in range(256):
        e, m = (code >> 3) & 15, code & 7
        v = (m / 8) * 2.0 ** -6 if e == 0 else (1 + m / 8) * 2.0 ** (e - 7)
        values[code] = np.nan if code & 0x7F == 0x7F else (-v if code & 0x80 else v)
    return values


E4M3 = e4m3_values()
E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6])


def nearest(table, x):
    finite = np.where(np.isnan(table), np.inf, table)
    return np.abs(x[..., None] - finite).argmin(-1).astype(np.uint8)


def save(name, config, tensors, expected, beside=None):
    os.makedirs(name, exist_ok=True)
    root = {"architectures": ["LlamaForCausalLM"], "dtype": "bfloat16", "num_hidden_layers": 1}
    if beside is None:
        root["quantization_config"] = config
    else:
        with open(f"{name}/{beside}", "w") as f:
            json.dump(config, f, indent=2)
    with open(f"{name}/config.json", "w") as f:
        json.dump(root, f, indent=2)
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for tensor, (array, dtype) in tensors.items():
        raw = np.ascontiguousarray(array).tobytes()
        header[tensor] = {"dtype": dtype or TYPES[array.dtype.name], "shape": list(array.shape),
                          "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(f"{name}/model.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)
    expected.astype("<f4").tofile(f"{name}/expected.f32")


W = rng.normal(0, 0.05, (N, K))
T = W.T.reshape(K // G, G, N)  # groups of input channels, inputs first

# Asymmetric int4: unsigned codes, zero point inside 0..15.
low, high = np.minimum(T.min(1), 0), np.maximum(T.max(1), 0)
scale = ((high - low) / 15).astype(np.float16)
zero = np.clip(np.rint(-low / scale), 0, 15).astype(np.int64)
code = np.clip(np.rint(T / scale[:, None].astype(float)) + zero[:, None], 0, 15).astype(np.int64).reshape(K, N)
asym = ((code.reshape(K // G, G, N) - zero[:, None]) * scale[:, None].astype(np.float32)).reshape(K, N).T

# Symmetric, 4 and 8 bits.
def symmetric(bits):
    s = (np.abs(T).max(1) / ((2 ** bits - 1) / 2)).astype(np.float16)
    q = np.clip(np.rint(T / s[:, None].astype(float)), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1).astype(np.int64)
    return s, q.reshape(K, N), (q * s[:, None].astype(np.float32)).reshape(K, N).T


def words(values, axis, bits, order=None):
    """Packs unsigned values along an axis into 32-bit words; place i takes the value order[i]."""
    per = 32 // bits
    order = order or range(per)
    moved = np.moveaxis(values, axis, 0)
    out = np.zeros((moved.shape[0] // per,) + moved.shape[1:], np.uint32)
    for i, source in enumerate(order):
        out |= (moved[source::per].astype(np.uint32) << np.uint32(i * bits))
    return np.moveaxis(out, 0, axis).view(np.int32) if axis == 0 else np.ascontiguousarray(np.moveaxis(out, 0, axis)).view(np.int32)


AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]
save("awq", {"quant_method": "awq", "zero_point": True, "group_size": G, "bits": 4, "version": "gemm",
             "modules_to_not_convert": ["lm_head"]},
     {f"{MODULE}.qweight": (words(code, 1, 4, AWQ_ORDER), None),
      f"{MODULE}.qzeros": (words(zero, 1, 4, AWQ_ORDER), None),
      f"{MODULE}.scales": (scale, None)}, asym)


def gptq(name, bits, unsigned, zeros, scales, expected, sym, version, index=None):
    stored = zeros - (1 if version == "gptq" else 0)
    index = np.arange(K) // G if index is None else index
    save(name, {"bits": bits, "group_size": G, "desc_act": bool((np.diff(index) < 0).any()), "sym": sym,
                "lm_head": False, "quant_method": "gptq", "checkpoint_format": version, "pack_dtype": "int32",
                "meta": {"quantizer": ["gptqmodel:5.0"]}},
         {f"{MODULE}.qweight": (words(unsigned, 0, bits), None),
          f"{MODULE}.qzeros": (words(stored, 1, bits), None),
          f"{MODULE}.scales": (scales, None),
          f"{MODULE}.g_idx": (index.astype(np.int32), None)}, expected)


gptq("gptq_v2-asym", 4, code, zero, scale, asym, False, "gptq_v2")
for bits in (4, 8):
    s, q, expected = symmetric(bits)
    middle = 2 ** (bits - 1)
    gptq(f"gptq-{bits}", bits, q + middle, np.full((K // G, N), middle), s, expected, True, "gptq")
    if bits == 4:
        # Act-order: channels keep their places, groups do not.
        index = rng.permutation(np.arange(K) // G)
        reordered = (q * s[index].astype(np.float32)).T
        gptq("gptq-act-order", bits, q + middle, np.full((K // G, N), middle), s, reordered, True, "gptq", index)

# FP8: one scale, and one a block of 8 x 16 (edge blocks are smaller).
s = np.float32(np.abs(W).max() / 448)
codes = nearest(E4M3, W / s)
save("fp8-static", {"quant_method": "fp8", "activation_scheme": "static", "ignored_layers": ["lm_head"],
                    "kv_cache_scheme": "static"},
     {f"{MODULE}.weight": (codes, "F8_E4M3"), f"{MODULE}.weight_scale": (np.array(s), None),
      f"{MODULE}.input_scale": (np.array(np.float32(0.0417)), None),
      "model.layers.0.self_attn.k_scale": (np.array(np.float32(0.023)), None),
      "model.layers.0.self_attn.v_scale": (np.array(np.float32(0.016)), None)},
     E4M3[codes].astype(np.float32) * s)
save("modelopt-fp8", {"producer": {"name": "modelopt", "version": "0.33.0"},
                      "quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8", "group_size": None,
                                       "exclude_modules": ["lm_head"]}},
     {f"{MODULE}.weight": (codes, "F8_E4M3"), f"{MODULE}.weight_scale": (np.array(s), None),
      f"{MODULE}.input_scale": (np.array(np.float32(0.0417)), None),
      "model.layers.0.self_attn.k_proj.k_scale": (np.array(np.float32(0.023)), None),
      "model.layers.0.self_attn.v_proj.v_scale": (np.array(np.float32(0.016)), None)},
     E4M3[codes].astype(np.float32) * s, beside="hf_quant_config.json")

BN, BK = 12, 48
blocks = np.zeros((-(-N // BN), -(-K // BK)), np.float32)
codes, expected = np.zeros((N, K), np.uint8), np.zeros((N, K), np.float32)
for i in range(blocks.shape[0]):
    for j in range(blocks.shape[1]):
        tile = (slice(i * BN, (i + 1) * BN), slice(j * BK, (j + 1) * BK))
        blocks[i, j] = np.abs(W[tile]).max() / 448
        codes[tile] = nearest(E4M3, W[tile] / blocks[i, j])
        expected[tile] = E4M3[codes[tile]].astype(np.float32) * blocks[i, j]
save("fp8-block", {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic",
                   "weight_block_size": [BN, BK], "modules_to_not_convert": ["lm_head"]},
     {f"{MODULE}.weight": (codes, "F8_E4M3"), f"{MODULE}.weight_scale_inv": (blocks, None)}, expected)

# NVFP4: groups of 16 with E4M3 scales under one F32 multiplier.
second = np.float32(np.abs(W).max() / (6 * 448))
grouped = W.reshape(N, K // 16, 16)
scales = nearest(E4M3, np.abs(grouped).max(2) / 6 / second)
effective = E4M3[scales].astype(np.float32) * second
codes = nearest(E2M1, grouped / effective[:, :, None]).reshape(N, K)
expected = (E2M1[codes].reshape(N, K // 16, 16).astype(np.float32) * effective[:, :, None]).reshape(N, K)
save("modelopt-nvfp4", {"quant_algo": "NVFP4", "quant_method": "modelopt", "ignore": ["lm_head"], "group_size": 16,
                        "producer": {"name": "modelopt", "version": "0.39.0"}},
     {f"{MODULE}.weight": ((codes[:, 0::2] | (codes[:, 1::2] << 4)).astype(np.uint8), None),
      f"{MODULE}.weight_scale": (scales, "F8_E4M3"), f"{MODULE}.weight_scale_2": (np.array(second), None),
      f"{MODULE}.input_scale": (np.array(np.float32(0.00042)), None)}, expected)
