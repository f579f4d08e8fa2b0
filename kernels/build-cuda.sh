#!/usr/bin/env bash
# Compiles the .cu files below src/main/cuda, each into one fatbin of machine code for every kind of GPU, or says that nvcc is not there.
# Only what changed since the last time is compiled. Errors, warnings and spilled registers fail the build.
#
# Usage: build-cuda.sh SOURCES TARGET
set -euo pipefail
sources=$1
target=$2
script=${BASH_SOURCE[0]}

find_nvcc() {
  local candidate
  for candidate in "${NVCC-}" "$(command -v nvcc || true)" "${CUDA_HOME-}/bin/nvcc" /usr/local/cuda/bin/nvcc; do
    if [ -n "$candidate" ] && [ -x "$candidate" ]; then
      echo "$candidate"
      return
    fi
  done
}

# The headers of ours that a file includes, and theirs, each once.
headers_of() {
  local all=() header
  local next=("$1")
  while [ "${#next[@]}" -gt 0 ]; do
    readarray -t next < <(sed -n 's/^#include "\(.*\)"$/\1/p' "${next[@]}" | sort -u)
    local fresh=()
    for header in "${next[@]}"; do
      [[ " ${all[*]} " = *" $sources/$header "* ]] || fresh+=("$sources/$header")
    done
    next=("${fresh[@]}")
    all+=("${fresh[@]}")
  done
  printf '%s\n' "${all[@]}"
}

# What a fatbin is made from: its source, its headers, this script and the compiler. By contents, since times of files tell
# nothing after a checkout, a copy or an edit while compiling.
key_of() {
  local headers
  readarray -t headers < <(headers_of "$1")
  cat "$1" "${headers[@]}" "$script" <("$nvcc" --version) | sha256sum
}

# Whether the fatbin of that name was made from this source.
is_fresh() {
  local made=$target/$1
  [ -f "$made.fatbin" ] && [ -f "$made.key" ] && [ "$(cat "$made.key")" = "$(key_of "$2")" ]
}

# One file: quiet if all is well, its whole log if not.
compile() {
  local source=$1 name log key
  name=$(basename "$source" .cu)
  key=$(key_of "$source")
  log=$target/$name.log
  if ! "$nvcc" -std=c++20 -O3 -lineinfo -Werror all-warnings -Xptxas -v,--warn-on-spills \
    -gencode arch=compute_80,code=sm_80 \
    -gencode arch=compute_89,code=sm_89 \
    -gencode arch=compute_90a,code=sm_90a \
    -gencode arch=compute_80,code=compute_80 \
    --compress-mode=size -I "$sources" -fatbin -o "$target/$name.tmp" "$source" >"$log" 2>&1 ||
    grep -Eq 'warning|C7508|C7515|C7519|[^0-9][1-9][0-9]* bytes spill' "$log"; then
    echo "cuda: $name.cu did not compile cleanly:" >&2
    grep -Ev '^ptxas info|^$' "$log" >&2 || cat "$log" >&2
    rm -f "$target/$name.tmp"
    return 1
  fi
  rm -f "$target/$name.key"
  mv "$target/$name.tmp" "$target/$name.fatbin"
  echo "$key" >"$target/$name.key"
}

nvcc=$(find_nvcc)
if [ -z "$nvcc" ]; then
  echo "cuda: no nvcc here, so this build has no GPU kernels" >&2
  exit 0
fi
mkdir -p "$target"
readarray -t all < <(find "$sources" -name '*.cu' | sort)
names=$(basename -s .cu "${all[@]}")
for fatbin in "$target"/*.fatbin; do
  grep -qx "$(basename "$fatbin" .fatbin)" <<<"$names" || rm -f "$fatbin"
done
stale=()
for source in "${all[@]}"; do
  is_fresh "$(basename "$source" .cu)" "$source" || stale+=("$source")
done
if [ "${#stale[@]}" -gt 0 ]; then
  echo "cuda: compiling ${#stale[@]} of ${#all[@]} files ..." >&2
  export -f compile key_of headers_of
  export nvcc target sources script
  printf '%s\0' "${stale[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'compile "$1"' _
fi
