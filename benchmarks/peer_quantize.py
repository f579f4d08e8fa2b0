"""FP8_DYNAMIC of a checkpoint folder by llm-compressor's model_free_ptq, as a JSON line.

Usage: python benchmarks/peer_quantize.py SOURCE TARGET
"""

import json
import pathlib
import resource
import shutil
import sys
import time

from llmcompressor import __version__, model_free_ptq

source, target = sys.argv[1], sys.argv[2]
shutil.rmtree(target, ignore_errors=True)
size = sum(file.stat().st_size for file in pathlib.Path(source).glob("*.safetensors"))
start = time.perf_counter()
model_free_ptq(model_stub=source, save_directory=target, scheme="FP8_DYNAMIC", ignore=["lm_head"], max_workers=2, device="cpu")
seconds = time.perf_counter() - start
shutil.rmtree(target, ignore_errors=True)
print(json.dumps({"peer": f"llm-compressor {__version__}", "work": "FP8_DYNAMIC, file to file", "gigabytes": size / 1e9, "seconds": seconds, "gb_per_second": size / 1e9 / seconds, "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
