"""Figures of the Python peers on this machine's processors, as JSON lines.

Needs torch, transformers and safetensors; nothing of Octavo depends on it.
Usage: python benchmarks/peer_cpu.py MODEL TEXT [threads]
"""

import json
import statistics
import sys
import time

import torch
import transformers


def report(work, **figures):
    print(json.dumps({"peer": f"torch {torch.__version__}, transformers {transformers.__version__}", "work": work, **figures}), flush=True)


def median_seconds(run, repeats, warmups=1):
    for _ in range(warmups):
        run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def matmul(threads):
    m, n, k = 2048, 4096, 4096
    a = torch.randn(m, k)
    w = torch.randn(n, k)
    seconds = median_seconds(lambda: torch.matmul(a, w.T), 7)
    report("f32 GEMM 2048x4096x4096", threads=threads, gflops=2 * m * n * k / seconds / 1e9)


def perplexity(model, ids, threads):
    windows = ids[: 8 * 512].reshape(8, 512)
    inputs = torch.cat([torch.zeros(8, 1, dtype=torch.long), windows[:, :-1]], dim=1)

    def run():
        with torch.no_grad():
            logits = model(inputs).logits
            torch.nn.functional.cross_entropy(logits.float().view(-1, logits.shape[-1]), windows.reshape(-1))

    seconds = median_seconds(run, 5)
    report("perplexity, f32, batch 8 x 512", threads=threads, tokens_per_second=8 * 512 / seconds)


def generate(model, threads):
    prompt = torch.tensor([[0, 497, 737, 440, 859, 473, 282, 264, 1865, 284]])

    def run():
        model.generate(prompt, attention_mask=torch.ones_like(prompt), do_sample=False, min_new_tokens=100, max_new_tokens=100, pad_token_id=1)

    seconds = median_seconds(run, 3)
    report("greedy generation, batch 1, f32, 100 tokens", threads=threads, tokens_per_second=100 / seconds)


def main():
    folder, text = sys.argv[1], sys.argv[2]
    threads = int(sys.argv[3]) if len(sys.argv) > 3 else 2
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    matmul(threads)
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=folder + "/tokenizer.json")
    ids = torch.tensor(tokenizer(open(text, encoding="utf-8").read(), add_special_tokens=False)["input_ids"])
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model.eval()
    perplexity(model, ids, threads)
    generate(model, threads)


main()
