"""Peers of what kernels/gpu-check.sh measures on a model of full size, as JSON lines.

Usage: python benchmarks/peer_large.py quantize SOURCE TARGET   what AutoFP8 does for FP8 with dynamic activations
       python benchmarks/peer_large.py forward SOURCE           transformers: losses of 4 x 2048 tokens, greedy text

AutoFP8 (505a7eda) is not installable beside a current transformers, so its flow is written out here: load the model on the
GPU, give every Linear one scale for its tensor, save.
"""
import json
import resource
import sys
import time

BEGUN = time.perf_counter()
import torch  # noqa: E402
import transformers  # noqa: E402


def report(name, value):
    print(json.dumps({"check": name, "value": value, "passed": True}), flush=True)


def load(source):
    return transformers.AutoModelForCausalLM.from_pretrained(source, dtype=torch.bfloat16, device_map="cuda:0")


class Float8Linear(torch.nn.Module):
    def __init__(self, linear):
        super().__init__()
        weight = linear.weight
        limits = torch.finfo(torch.float8_e4m3fn)
        low, high = weight.aminmax()
        scale = limits.max / torch.maximum(low.abs(), high.abs()).clamp(min=1e-12)
        codes = (weight * scale).clamp(min=limits.min, max=limits.max).to(torch.float8_e4m3fn)
        self.weight = torch.nn.Parameter(codes, requires_grad=False)
        self.weight_scale = torch.nn.Parameter(scale.float().reciprocal(), requires_grad=False)


def quantize(source, target):
    imported = time.perf_counter()
    model = load(source)
    loaded = time.perf_counter()
    for name, module in list(model.named_modules()):
        if isinstance(module, torch.nn.Linear) and name != "lm_head":
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, Float8Linear(module))
            del module
    torch.cuda.synchronize()
    quantized = time.perf_counter()
    model.save_pretrained(target, safe_serialization=True)
    saved = time.perf_counter()
    for name, seconds in (("import", imported - BEGUN), ("load", loaded - imported), ("quantize", quantized - loaded),
                          ("save", saved - quantized), ("whole", saved - BEGUN)):
        report(f"peer AutoFP8's flow, {name} seconds", seconds)
    report("peer AutoFP8's flow, host GB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
    report("peer AutoFP8's flow, GPU GB", torch.cuda.max_memory_allocated() / 1e9)


def median(run, repeats=5):
    run()
    times = []
    for _ in range(repeats):
        torch.cuda.synchronize()
        begun = time.perf_counter()
        run()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - begun)
    return sorted(times)[repeats // 2]


@torch.inference_mode()
def forward(source):
    model = load(source).eval()
    ids = torch.randint(1, model.config.vocab_size, (4, 2048), device="cuda")

    def losses():
        logits = model(ids).logits.float()
        return torch.nn.functional.cross_entropy(logits[:, :-1].reshape(-1, logits.shape[-1]), ids[:, 1:].reshape(-1))

    report("peer transformers, perplexity tokens/s", ids.numel() / median(losses))
    prompt = ids[:1, :128]
    report("peer transformers, greedy tokens/s", 100 / median(
        lambda: model.generate(prompt, min_new_tokens=100, max_new_tokens=100, do_sample=False, pad_token_id=0), 3))


if sys.argv[1] == "quantize":
    quantize(sys.argv[2], sys.argv[3])
else:
    forward(sys.argv[2])
