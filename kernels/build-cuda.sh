#!/usr/bin/env bash
# Compiles the .cu files below src/main/cuda, each into one fatbin of machine code for the GPUs that it names, or says why not.
# What was compiled before from the same contents is taken from a cache beside the build's folders. Errors, warnings and
# spilled registers fail the build.
#
# Usage: build-cuda.sh SOURCES TARGET [WHEN]
#   WHEN   always; auto (the default): where a GPU's driver is, or nothing needs compiling; never
#
#   OCTAVO_CUDA         WHEN, in place of auto
#   NVCC                the compiler, in place of the one on the path or in CUDA_HOME
#   OCTAVO_CUDA_CACHE   the cache's folder, .build/cuda in the repository by default
set -euo pipefail
sources=$1
target=$2
when=${3:-auto}
[ "$when" != auto ] || when=${OCTAVO_CUDA:-auto}
cache=${OCTAVO_CUDA_CACHE:-$(cd -P -- "$(dirname -- "$0")/.." && pwd)/.build/cuda}
cache_days=60
all_targets='sm_80 sm_89 sm_90a compute_80'
options=(
  -std=c++20 -O3 -lineinfo -Werror all-warnings -Xptxas -v,--warn-on-spills --compress-mode=size -fatbin
)

find_nvcc() {
  local candidate
  for candidate in "${NVCC-}" "$(command -v nvcc || true)" "${CUDA_HOME-}/bin/nvcc" /usr/local/cuda/bin/nvcc; do
    if [ -n "$candidate" ] && [ -x "$candidate" ]; then
      echo "$candidate"
      return
    fi
  done
}

device_is_there() {
  [ -e /proc/driver/nvidia/version ] || [ -e /dev/nvidiactl ] || [ -e /dev/dxg ]
}

# The line `Targets:` of a file: "all", or machine code (sm_) and code for GPUs to come (compute_).
targets_of() {
  local targets
  targets=$(sed -n 's,^// Targets: ,,p' "$1")
  [ -n "$targets" ] || {
    echo "cuda: $1 names no targets: it needs a line \"// Targets: all\" or alike" >&2
    return 1
  }
  echo "${targets/#all/$all_targets}"
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

# What a fatbin is made from: its source, its headers, the options and the compiler. By contents, since times of files tell
# nothing after a checkout, a copy or an edit while compiling.
key_of() {
  local headers
  readarray -t headers < <(headers_of "$1")
  { cat "$1" "${headers[@]}" && echo "${options[*]} $all_targets $version"; } | sha256sum | cut -d ' ' -f 1
}

# One file, into the cache: a line if all is well, its whole log if not.
compile() {
  local source=$1 made=$2 name log one codes=() targets
  name=$(basename "$source" .cu)
  log=$target/$name.log
  targets=$(targets_of "$source") || return 1
  for one in $targets; do
    codes+=(-gencode "arch=compute_${one#*_},code=$one")
  done
  # shellcheck disable=SC2086 # several options, separated by blanks
  if ! "$nvcc" $options_text "${codes[@]}" -I "$sources" -o "$made.$$" "$source" >"$log" 2>&1 ||
    grep -Eq 'warning|C7508|C7515|C7519|[^0-9][1-9][0-9]* bytes spill' "$log"; then
    echo "cuda: $name.cu did not compile cleanly:" >&2
    grep -Ev '^ptxas info|^$' "$log" >&2 || cat "$log" >&2
    rm -f "$made.$$"
    return 1
  fi
  mv "$made.$$" "$made"
  echo "cuda: compiled $name.cu"
}

# Leaves no kernels in the target, and says why; `octavo` reads it too.
without_kernels() {
  rm -f "$target"/*.fatbin
  echo "$1" >"$target/absent"
  echo "cuda: $1, so this build has no GPU kernels"
  exit 0
}

mkdir -p "$target" "$cache"
case $when in
  always | auto | never) ;;
  *)
    echo "cuda: when to compile is always, auto or never, not $when" >&2
    exit 2
    ;;
esac
[ "$when" != never ] || without_kernels "not wanted"
nvcc=$(find_nvcc)
[ -n "$nvcc" ] || without_kernels "no nvcc here"
version=$("$nvcc" --version)
readarray -t all < <(find "$sources" -name '*.cu' | sort)
keys=()
stale=()
for source in "${all[@]}"; do
  key=$(key_of "$source")
  keys+=("$key")
  [ -f "$cache/$key.fatbin" ] || stale+=("$source" "$cache/$key.fatbin")
done
if [ "${#stale[@]}" -gt 0 ]; then
  [ "$when" = always ] || device_is_there || without_kernels "no NVIDIA driver here (OCTAVO_CUDA=always compiles kernels anyway)"
  echo "cuda: compiling $((${#stale[@]} / 2)) of ${#all[@]} files ..."
  export -f compile targets_of
  options_text=${options[*]}
  export nvcc target sources all_targets options_text
  printf '%s\0' "${stale[@]}" | xargs -0 -n 2 -P "$(nproc)" bash -c 'compile "$1" "$2"' _
fi
names=$(basename -s .cu "${all[@]}")
for fatbin in "$target"/*.fatbin "$target/absent"; do
  grep -qx "$(basename "$fatbin" .fatbin)" <<<"$names" || rm -f "$fatbin"
done
for i in "${!all[@]}"; do
  cached=$cache/${keys[i]}.fatbin
  made=$target/$(basename "${all[i]}" .cu).fatbin
  touch "$cached"
  cmp -s "$cached" "$made" || cp "$cached" "$made"
done
find "$cache" -name '*.fatbin*' -mtime +$cache_days -delete
