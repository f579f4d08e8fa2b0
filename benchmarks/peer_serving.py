"""transformers' tokens a second with a compiled static cache, as a JSON line: the peer of ThroughputBenchmark.

Usage: python benchmarks/peer_serving.py 13b|8b STREAMS IN OUT

Random bf16 weights of LLaMA 13B's or Llama 3 8B's shapes, made on the GPU; greedy, no token ends a text.
"""
import json
import sys
import time

import torch
import transformers

SHAPES = {
    "13b": dict(hidden_size=5120, intermediate_size=13824, num_hidden_layers=40, num_attention_heads=40,
                num_key_value_heads=40, vocab_size=32000),
    "8b": dict(hidden_size=4096, intermediate_size=14336, num_hidden_layers=32, num_attention_heads=32,
               num_key_value_heads=8, vocab_size=128256),
}


@torch.inference_mode()
def main(shape, streams, tokens_in, tokens_out):
    config = transformers.LlamaConfig(**SHAPES[shape], max_position_embeddings=8192, rope_theta=500000.0, dtype=torch.bfloat16)
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda"):
        model = transformers.LlamaForCausalLM(config).eval()
    model.generation_config.eos_token_id = None
    ids = torch.randint(1, config.vocab_size, (streams, tokens_in), device="cuda")
    mask = torch.ones_like(ids)

    def generate():
        torch.cuda.synchronize()
        begun = time.perf_counter()
        model.generate(ids, attention_mask=mask, cache_implementation="static", min_new_tokens=tokens_out,
                       max_new_tokens=tokens_out, do_sample=False, pad_token_id=0)
        torch.cuda.synchronize()
        return time.perf_counter() - begun

    for _ in range(3):
        generate()
    seconds = sorted(generate() for _ in range(5))[2]
    print(json.dumps({"peer": f"transformers {transformers.__version__}", "shape": shape, "streams": streams, "in": tokens_in,
                      "out": tokens_out, "tokens_per_second": round(streams * tokens_out / seconds, 1)}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
