#!/usr/bin/env bash
# Compiles src/main/cuda/*.cu, each into one fatbin of machine code for every kind of GPU, or says that nvcc is not there.
# Only what changed since the last time is compiled. Errors, warnings and spilled registers fail the build.
#
# Usage: build-cuda.sh SOURCES TARGET
set -euo pipefail
sources=$1
target=$2

find_nvcc() {
  local candidate
  for candidate in "${NVCC-}" "$(command -v nvcc || true)" "${CUDA_HOME-}/bin/nvcc" /usr/local/cuda/bin/nvcc; do
    if [ -n "$candidate" ] && [ -x "$candidate" ]; then
      echo "$candidate"
      return
    fi
  done
}

# Of a fatbin's making what matters: its source, every header, this script.
is_fresh() {
  local fatbin=$1 newer
  [ -f "$fatbin" ] || return 1
  newer=$(find "$2" "$sources"/*.cuh "${BASH_SOURCE[0]}" -newer "$fatbin" -print -quit)
  [ -z "$newer" ]
}

# One file: quiet if all is well, its whole log if not.
compile() {
  local source=$1 name log
  name=$(basename "$source" .cu)
  log=$target/$name.log
  if ! "$nvcc" -std=c++20 -O3 -lineinfo -Werror all-warnings -Xptxas -v,--warn-on-spills \
    -gencode arch=compute_80,code=sm_80 \
    -gencode arch=compute_89,code=sm_89 \
    -gencode arch=compute_90a,code=sm_90a \
    -gencode arch=compute_80,code=compute_80 \
    --compress-mode=size -fatbin -o "$target/$name.tmp" "$source" >"$log" 2>&1 ||
    grep -Eq 'warning|C7508|C7515|C7519|[^0-9][1-9][0-9]* bytes spill' "$log"; then
    echo "cuda: $name.cu did not compile cleanly:" >&2
    grep -Ev '^ptxas info|^$' "$log" >&2 || cat "$log" >&2
    rm -f "$target/$name.tmp"
    return 1
  fi
  mv "$target/$name.tmp" "$target/$name.fatbin"
}

nvcc=$(find_nvcc)
if [ -z "$nvcc" ]; then
  echo "cuda: no nvcc here, so this build has no GPU kernels" >&2
  exit 0
fi
mkdir -p "$target"
for fatbin in "$target"/*.fatbin; do
  [ -f "$sources/$(basename "$fatbin" .fatbin).cu" ] || rm -f "$fatbin"
done
stale=()
for source in "$sources"/*.cu; do
  is_fresh "$target/$(basename "$source" .cu).fatbin" "$source" || stale+=("$source")
done
if [ "${#stale[@]}" -gt 0 ]; then
  echo "cuda: compiling ${#stale[@]} of $(find "$sources" -name '*.cu' | wc -l) files ..." >&2
  export -f compile
  export nvcc target
  printf '%s\0' "${stale[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'compile "$1"' _
fi
