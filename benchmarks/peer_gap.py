"""How long a CUDA graph takes for one empty kernel, in microseconds: what each kernel of a graph costs beside its work."""

import statistics

import torch

KERNELS = 400
REPLAYS = 20


def main():
    torch.cuda._sleep(0)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(KERNELS):
            torch.cuda._sleep(0)
    times = []
    for _ in range(REPLAYS):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        for _ in range(5):
            graph.replay()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) * 1e3 / 5 / KERNELS)
    print(f"{statistics.median(times):.3f}")


main()
