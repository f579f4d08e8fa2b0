"""PyTorch's times for what GpuBenchmarks measures, under the same names: one JSON line each.

Operands are random and rotate among copies; a time is the median of CUDA-graph replays.
"""
import json
import os
import re
import torch

DEVICE = "cuda"
COPIES = 4


def report(name, seconds, peer):
    print(json.dumps({"name": name, "us": round(seconds * 1e6, 2), "peer": peer}), flush=True)


def seconds(launch, copies):
    """launch(i) works on copy i; one graph runs through all copies."""
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for i in range(copies):
            launch(i)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            for i in range(copies):
                launch(i)
    for _ in range(2):
        graph.replay()
    torch.cuda.synchronize()
    times = []
    for _ in range(15):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        graph.replay()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end) / 1e3 / copies)
    return sorted(times)[len(times) // 2]


def attempt(name, peer, make):
    if not re.search(os.environ.get("OCTAVO_BENCHMARKS", ""), name):
        return
    try:
        launch, copies = make()
        report(name, seconds(launch, copies), peer)
    except Exception as e:  # one peer that cannot run must not cost the others
        print(json.dumps({"name": name, "peer": peer, "error": str(e)[:200]}), flush=True)
    torch.cuda.empty_cache()


def normal(*shape, dtype=torch.bfloat16):
    return torch.randn(*shape, device=DEVICE, dtype=torch.float32 if dtype == torch.float8_e4m3fn else dtype).to(dtype)


def quantize(x):
    values = x.float()
    scale = values.abs().amax(1, keepdim=True) / 448
    return (values / scale).to(torch.float8_e4m3fn), scale


def bandwidth():
    def rows(dtype, size):
        compiled = torch.compile(quantize)
        x = [normal(size, size, dtype=dtype) for _ in range(2)]
        compiled(x[0])
        return lambda i: compiled(x[i]), 2

    attempt("quantize rows bf16 -> e4m3 16384x16384", "torch.compile", lambda: rows(torch.bfloat16, 16384))
    attempt("quantize rows f32 -> e4m3 8192x8192", "torch.compile", lambda: rows(torch.float32, 8192))

    def elementwise(function):
        compiled = torch.compile(function)
        x = [normal(8192, 8192, dtype=torch.float32) for _ in range(3)]
        compiled(x[0], x[1], x[2])
        return lambda i: compiled(x[i], x[1 - i], x[2]), 2

    weight = normal(8192)
    functional = torch.nn.functional
    attempt("rms norm f32 8192x8192", "torch.compile", lambda: elementwise(
        lambda x, y, out: out.copy_(functional.rms_norm(x, (8192,), weight.float(), 1e-5))))
    attempt("silu * up f32 8192x8192", "torch.compile", lambda: elementwise(
        lambda x, y, out: out.copy_(functional.silu(x) * y)))
    def normalize(x, y, out):
        out.add_(x)
        return quantize(functional.rms_norm(out, (8192,), weight.float(), 1e-5))

    attempt("add, rms norm, f32 -> e4m3 8192x8192", "torch.compile", lambda: elementwise(normalize))
    attempt("silu * up, f32 -> e4m3 8192x8192", "torch.compile", lambda: elementwise(
        lambda x, y, out: quantize(functional.silu(x) * y)))
    attempt("add f32 8192x8192", "torch.add_", lambda: elementwise(lambda x, y, out: out.add_(x)))
    attempt("convert f32 -> bf16 8192x8192", "torch.compile", lambda: elementwise(lambda x, y, out: x.bfloat16()))

    def logits(function):
        x = normal(1024, 128256, dtype=torch.float32)
        targets = torch.zeros(1024, dtype=torch.long, device=DEVICE)
        return lambda i: function(x, targets), 1

    attempt("cross-entropy 1024x128256", "torch", lambda: logits(
        lambda x, t: functional.cross_entropy(x, t, reduction="none")))
    attempt("arg max 1024x128256", "torch", lambda: logits(lambda x, t: x.argmax(1)))

    def divergence():
        x = [normal(1024, 128256, dtype=torch.float32) for _ in range(2)]
        compare = torch.compile(lambda p, q: (
            (p.softmax(1) * (p.log_softmax(1) - q.log_softmax(1))).sum(1), p.argmax(1) == q.argmax(1)))
        compare(*x)
        return lambda i: compare(x[i % 2], x[1 - i % 2]), 1

    def sample():
        x = normal(64, 128256, dtype=torch.float32)
        return lambda i: torch.multinomial((x / 0.8).softmax(1), 1), 1

    def sample_part():
        x = normal(64, 128256, dtype=torch.float32)

        def draw(i):
            z, order = torch.topk(x / 0.8, 50)
            p = z.softmax(1)
            p = torch.where(p.cumsum(1) - p < 0.95, p, 0)
            return order.gather(1, torch.multinomial(p, 1))
        return draw, 1

    attempt("divergence 1024x128256", "torch.compile", divergence)
    attempt("sample 64x128256", "torch", sample)
    attempt("sample 64x128256, top-k 50, top-p 0.95", "torch", sample_part)


def matmul(kind, m, n, k):
    name = f"matmul {kind} {m}x{n}x{k}"
    copies = 1 if n * k > 100_000_000 else COPIES

    def bf16():
        a, w = normal(m, k), [normal(n, k) for _ in range(copies)]
        return lambda i: torch.matmul(a, w[i].T), copies

    def fp8():
        a, w = normal(m, k, dtype=torch.float8_e4m3fn), [normal(n, k, dtype=torch.float8_e4m3fn) for _ in range(copies)]
        sa, sb = torch.full((m, 1), 0.01, device=DEVICE), torch.full((1, n), 0.01, device=DEVICE)
        return lambda i: torch._scaled_mm(a, w[i].T, sa, sb, out_dtype=torch.bfloat16), copies

    def int8():
        a = torch.randint(-128, 128, (m, k), dtype=torch.int8, device=DEVICE)
        w = [torch.randint(-128, 128, (n, k), dtype=torch.int8, device=DEVICE) for _ in range(copies)]
        return lambda i: torch._int_mm(a, w[i].T), copies

    peers = {"bf16": ("torch.matmul bf16", bf16), "w8a16": ("torch.matmul bf16", bf16), "w4a16": ("torch.matmul bf16", bf16), "fp8": ("torch._scaled_mm", fp8),
             "int8": ("torch._int_mm", int8)}
    attempt(name, *peers[kind])


def attention(name, sequences, queries, context, head_dim=128):
    def make():
        q = normal(sequences, 32, queries, head_dim)
        k, v = normal(sequences, 8, context, head_dim), normal(sequences, 8, context, head_dim)
        sdpa = torch.nn.functional.scaled_dot_product_attention
        return lambda i: sdpa(q, k, v, is_causal=queries > 1, enable_gqa=True), 1

    attempt("attention " + name, "torch sdpa, contiguous bf16", make)


def second_moments(columns):
    def make():
        xs = [normal(32768, columns) for _ in range(2)]
        return lambda i: xs[i].T @ xs[i], 2

    attempt(f"second moments 32768x{columns}", "torch bf16, whole product", make)


def inverse_factor(n):
    """Of one matrix: a batch of them ends the process in MAGMA (PyTorch 2.11)."""

    def make():
        x = torch.randn(2 * n, n, device=DEVICE)
        h = x.T @ x

        def factor(i):
            inverse = torch.cholesky_inverse(torch.linalg.cholesky_ex(h)[0])
            return torch.linalg.cholesky_ex(inverse, upper=True)[0]

        return factor, 1

    attempt(f"inverse factor {n}", "torch f32, three steps", make)


def gptq_sweep(rows, columns):
    """Column by column in blocks of 128, as GPTQ's authors and their followers do; too many launches for a graph."""
    name = f"gptq sweep int4 {rows}x{columns}"
    if not re.search(os.environ.get("OCTAVO_BENCHMARKS", ""), name):
        return
    weight = torch.randn(rows, columns, device=DEVICE)
    u = torch.eye(columns, device=DEVICE) + 0.01 * torch.randn(columns, columns, device=DEVICE).triu(1)
    scales = weight.abs().view(rows, -1, 128).amax(2) / 7.5

    def sweep():
        w = weight.clone()
        codes = torch.empty(rows, columns, device=DEVICE, dtype=torch.int8)
        for first in range(0, columns, 128):
            last = min(first + 128, columns)
            errors = torch.empty(rows, last - first, device=DEVICE)
            block, triangle = w[:, first:last], u[first:last, first:last]
            for i in range(last - first):
                scale = scales[:, (first + i) // 128]
                code = torch.clamp(torch.round(block[:, i] / scale), -8, 7)
                codes[:, first + i] = code
                errors[:, i] = (block[:, i] - code * scale) / triangle[i, i]
                block[:, i:] -= errors[:, i : i + 1] * triangle[i : i + 1, i:]
            w[:, last:] -= errors @ u[first:last, last:]

    times = []
    for _ in range(3):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        sweep()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end) / 1e3)
    report(name, sorted(times)[1], "torch f32, column by column")


def main():
    torch.manual_seed(0)
    bandwidth()
    for size in (4096, 8192):
        for kind in ("bf16", "fp8", "int8"):
            matmul(kind, size, size, size)
    for m in (1, 4, 8, 16, 64, 128, 256):
        for n, k in ((28672, 4096), (4096, 14336)):
            for kind in ("bf16", "w8a16", "w4a16", "fp8", "int8"):
                matmul(kind, m, n, k)
    for cache in ("", " f8_e4m3", " i8"):
        attention("decode 64 x 1024" + cache, 64, 1, 1024)
        attention("decode 8 x 4096" + cache, 8, 1, 4096)
        attention("decode 1 x 4096" + cache, 1, 1, 4096)
        attention("prefill 1 x 2048" + cache, 1, 2048, 2048)
        attention("prefill 1 x 4096" + cache, 1, 4096, 4096)
        attention("prefill 1 x 8192" + cache, 1, 8192, 8192)
        attention("prefill 1 x 8192 heads of 64" + cache, 1, 8192, 8192, 64)
    second_moments(4096)
    second_moments(14336)
    inverse_factor(4096)
    inverse_factor(14336)
    gptq_sweep(4096, 14336)
    gptq_sweep(28672, 4096)


main()
