#!/usr/bin/env bash
# Everything that needs a GPU, in one call on a machine with a GPU and its driver but without Java or a network.
#
#   kernels/gpu-check.sh pack MODELS DATA   where the build is: puts a JVM, jars, models ("" for the example alone) and
#                                           data into .build/gpu
#   kernels/gpu-check.sh repack             the same for what was compiled alone, when the rest is there already
#   kernels/gpu-check.sh [STEP ...]         where the GPU is: unpacks them and runs the steps, all by default
#
# Steps: contract (tests of every operation), models (perplexity, generation, quantization), benchmark (beside PyTorch) and
# sanitizer (compute-sanitizer over a launch of every kernel); not by default large (a synthetic Llama 3 8B in /dev/shm, beside
# AutoFP8's flow and transformers), decode (steps of a synthetic 13B), throughput (a synthetic 13B and 8B served, beside
# transformers; some four minutes and 40 GB of /dev/shm), devices (a process for every GPU of the machine, at once)
# and stripped (as root: a root with nothing but the JVM, jars, libcuda and libstdc++). OUT names the folder for results,
# .build/gpu/out by default;
# OCTAVO_GPU_MODELS one with more models to check, OCTAVO_BENCHMARKS a regular expression of those benchmarks that shall run.
# Prints a table last; writes gpu-check.json beside the logs. Fails if a test, a sanitizer or a check of a model did, or never ran.
set -uo pipefail
cd -P -- "$(dirname -- "$0")/.."
pack=.build/gpu
out=${OUT:-$pack/out}
java_options=(
  --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow
  -Djdk.incubator.vector.VECTOR_ACCESS_OOB_CHECK=0 -Xmx8g -XX:MaxDirectMemorySize=64g
)

# --- Where the build is ------------------------------------------------------------------------------------------------

# Without other systems' native libraries, and stored, so that xz packs all jars as one.
strip_jar() {
  local jar=$1 parts
  parts=$(mktemp -d)
  (
    cd "$parts"
    "$JAVA_HOME/bin/jar" --extract --file "$jar"
    find . -type f -size +256k \( -path '*win*' -o -path '*osx*' -o -path '*mac*' -o -path '*aarch*' -o -path '*cu1*' \) -delete
    "$JAVA_HOME/bin/jar" --create --no-compress --no-manifest --file "$jar" .
  )
  rm -rf "$parts"
}

make_pack() {
  set -e
  local models=$1 data=$2 work=$pack/work console=org.junit.platform:junit-platform-console-standalone:6.0.3
  rm -rf "$pack" && mkdir -p "$work/lib" "$work/models" "$work/data"
  mvn -B -ntp -q -Doctavo.cuda=always -pl engine -am test-compile dependency:build-classpath \
    -Dmdep.includeScope=test -Dmdep.outputFile=target/test.classpath -Dmdep.excludeGroupIds=io.octavo,org.junit.jupiter,org.junit.platform 2>/dev/null
  mvn -B -ntp -q dependency:copy -Dartifact=$console -DoutputDirectory="$PWD/$work/lib" -Dmdep.useBaseVersion=true 2>/dev/null
  for module in kernels engine; do
    tr ':' '\n' <$module/target/test.classpath | grep '\.jar$' | xargs -I{} cp {} "$work/lib"
  done
  for model in $models; do
    cp -rL "$model" "$work/models/"
  done
  cp "$data"/books-heldout.txt "$data"/books-cloze.jsonl "$work/data"
  "$JAVA_HOME/bin/jlink" --strip-debug --no-man-pages --no-header-files --compress zip-0 --output "$work/jvm" --add-modules \
    java.base,java.logging,java.management,jdk.management,java.sql,java.naming,java.desktop,java.instrument,jdk.unsupported,jdk.incubator.vector
  rm -f "$work"/lib/commons-math3* "$work"/lib/jmh* "$work"/lib/jopt*
  for jar in "$work"/lib/*.jar; do
    strip_jar "$PWD/$jar"
  done
  (cd "$work" && tar cf - .) | xz -T2 -6 >"$pack/base.tar.xz"
  rm -rf "$work"
  pack_classes
}

# The tests and what they test, to lie beside the base.
pack_classes() {
  local parts=() module
  for module in kernels engine; do
    parts+=("$module/target/classes" "$module/target/test-classes")
  done
  tar cf - --transform 's,/target/,/,' "${parts[@]}" | xz -T2 -6 >"$pack/classes.tar.xz"
  du -h "$pack"/*.tar.xz
}

# --- Where the GPU is --------------------------------------------------------------------------------------------------

unpack() {
  work=$(mktemp -d)
  local part
  for part in base classes; do
    tar xJf $pack/$part.tar.xz -C "$work"
  done
  chmod -R u+w "$work"
  # A pack without models travels with those of the examples.
  [ -n "$(ls "$work/models")" ] || cp -r examples/models/books-5m "$work/models"
  lib=$(printf '%s:' "$work"/lib/*.jar)
}

run_java() {
  local module=$1
  shift
  timeout 150 "$work/jvm/bin/java" "${java_options[@]}" \
    -cp "$work/kernels/classes:$work/$module/classes:$work/$module/test-classes:$lib" "$@"
}

contract() {
  run_java kernels org.junit.platform.console.ConsoleLauncher execute --disable-banner --details=testfeed \
    --include-classname '.*' --select-class io.octavo.kernels.CudaBackendTest --select-class io.octavo.kernels.BackendsTest \
    >"$out/contract.log" 2>&1
  local failed=$?
  grep -E 'tests (successful|failed|aborted)' "$out/contract.log" | tr -d '[]' | tr -s ' ' | sed 's/^ //' >"$out/contract.txt"
  grep -E 'FAILED|Error:|Exception:' "$out/contract.log" | head -n 40 >>"$out/contract.txt"
  [ $failed = 0 ] || failure "contract tests exited with $failed"
}

# Remembered until the table is printed, so that one failing step hides no other.
failure() {
  echo "FAILED: $*" >>"$out/failures.txt"
}

sanitizer() {
  local tool
  for tool in memcheck racecheck; do
    # The driver's answers are checked by whoever asks it, and not every file of kernels has every symbol that it is asked for.
    timeout 90 compute-sanitizer --tool $tool --error-exitcode 9 --report-api-errors no --target-processes all \
      "$work/jvm/bin/java" "${java_options[@]}" -cp "$work/kernels/classes:$work/kernels/test-classes:$lib" \
      org.junit.platform.console.ConsoleLauncher execute --disable-banner --details=summary --include-classname '.*' \
      --select-class io.octavo.kernels.CudaSanitizerTest >"$out/sanitizer-$tool.log" 2>&1
    local status=$?
    [ $status = 0 ] || failure "$tool exited with $status"
    grep -Eq '[1-9][0-9]* tests successful' "$out/sanitizer-$tool.log" || failure "$tool saw no test pass"
    echo "$tool: exit $status, $(grep -E 'ERROR SUMMARY|RACECHECK SUMMARY' "$out/sanitizer-$tool.log" | tail -n 1)"
  done >"$out/sanitizer.txt"
}

benchmark() {
  run_java kernels io.octavo.kernels.benchmark.GpuBenchmarks >"$out/benchmark.jsonl" 2>"$out/benchmark.log" ||
    failure "the benchmark exited with $?"
  timeout 150 python3 benchmarks/peer_gpu.py >"$out/peer.jsonl" 2>"$out/peer.log" || failure "the peer exited with $?"
}

models() {
  local model
  : >"$out/models.jsonl"
  for model in "$work"/models/* ${OCTAVO_GPU_MODELS:+"$OCTAVO_GPU_MODELS"/*}; do
    echo "{\"check\": \"== $(basename "$model")\", \"value\": 0, \"passed\": true}" >>"$out/models.jsonl"
    local check
    for check in GpuModelCheck GpuSchemeCheck GpuMemoryCheck GpuSolveCheck; do
      run_java engine io.octavo.engine.benchmark.$check "$model" "$work/data" "$work/scratch" \
        >>"$out/models.jsonl" 2>>"$out/models.log" || failure "$check of $(basename "$model") exited with $?"
    done
  done
  ! grep -q '"passed": *false' "$out/models.jsonl" || failure "a check of a model"
}

# Whole processes, from start to end; the largest memory of the device is sampled beside them.
large() {
  local folder=/dev/shm/octavo-large run
  mkdir -p "$folder"
  : >"$out/large.jsonl"
  sample_device_memory & local sampler=$!
  java_options+=(-Xmx512m)
  # The first run makes the source, the last two are told its SHA-256, as by the storage that it came from.
  for run in source folder-1 folder-2 hash known-1 known-2; do
    rm -rf "$folder/out"
    local known=false
    case $run in hash | known-*) known=true ;; esac
    local begun=$EPOCHREALTIME
    run_java engine -Doctavo.benchmark.known=$known io.octavo.engine.quantize.QuantizerBenchmark "$folder" "$(nproc)" 1 cuda 32 128256 \
      >"$out/large-$run.log" 2>&1 || failure "quantizing the large model exited with $?"
    case $run in
      folder-*) check "large model, quantize process seconds" "$(awk "BEGIN {print $EPOCHREALTIME - $begun}")" ;;
      known-*) check "large model of known SHA-256, quantize process seconds" "$(awk "BEGIN {print $EPOCHREALTIME - $begun}")" ;;
    esac
  done
  kill $sampler
  wait $sampler 2>/dev/null
  rm -rf "$folder/out"
  check "large model, most device MB while quantizing" "$(sort -n "$out/device-memory.txt" | tail -n 1)"
  cp "$work/models/books-5m/tokenizer.json" "$folder/source"
  run_java engine io.octavo.engine.benchmark.GpuMemoryCheck "$folder/source" "$work/data" "$folder" 0 \
    >>"$out/large.jsonl" 2>"$out/large-memory.log" || failure "the memory of calibrating the large model exited with $?"
  rm -rf "$folder/source-memory"
  run_java engine io.octavo.engine.benchmark.LargeModelBenchmark "$folder/source" \
    >>"$out/large.jsonl" 2>"$out/large.log" || failure "running the large model exited with $?"
  timeout 150 python3 benchmarks/peer_large.py quantize "$folder/source" "$folder/peer" >>"$out/large.jsonl" 2>"$out/peer-large.log" ||
    failure "the peer of quantizing exited with $?"
  rm -rf "$folder/peer"
  timeout 150 python3 benchmarks/peer_large.py forward "$folder/source" >>"$out/large.jsonl" 2>>"$out/peer-large.log" ||
    failure "the peer of running exited with $?"
  rm -rf "$folder"
  (cd "$out" && grep -E "written and hashed|processor seconds, user" large-*.log)
}

# A process for every GPU, all at once.
devices() {
  local count index processes=()
  count=$(nvidia-smi -L | wc -l)
  for ((index = 0; index < count; index++)); do
    run_java engine io.octavo.engine.benchmark.GpuModelCheck "$work/models/books-5m" "$work/data" "$work/scratch-$index" "cuda:$index" \
      >"$out/device-$index.jsonl" 2>"$out/device-$index.log" &
    processes+=($!)
  done
  for ((index = 0; index < count; index++)); do
    wait "${processes[index]}" || failure "the check of device $index exited with $?"
    sed "s/\"check\": *\"/&cuda:$index: /" "$out/device-$index.jsonl"
  done >"$out/devices.jsonl"
  ! grep -q '"passed": *false' "$out/devices.jsonl" || failure "a check of a device"
}

# Tokens a second of served models of full size.
throughput() {
  local folder=/dev/shm/octavo-throughput benchmark=io.octavo.engine.benchmark.ThroughputBenchmark
  local tokenizer=examples/models/books-5m/tokenizer.json
  {
    run_java engine $benchmark "$folder/13b" 13b $tokenizer 32 640 100 1 3 BF16 W8A8 W8A8+INT8 W8A16_CHANNEL W4A16 ||
      failure "serving a 13B exited with $?"
    rm -rf "$folder/13b"
    run_java engine $benchmark "$folder/8b" 8b $tokenizer 1 128 100 5 9 BF16 FP8_DYNAMIC FP8_W8A16 W4A16 || failure "serving an 8B exited with $?"
    run_java engine $benchmark "$folder/8b" 8b $tokenizer 0 1000 1000 0 1 FP8_DYNAMIC+FP8 || failure "serving all streams exited with $?"
    rm -rf "$folder"
    timeout 150 python3 benchmarks/peer_serving.py 13b 32 640 100 || failure "the peer of serving a 13B exited with $?"
    timeout 150 python3 benchmarks/peer_serving.py 8b 1 128 100 || failure "the peer of serving an 8B exited with $?"
  } >"$out/throughput.jsonl" 2>"$out/throughput.log"
  cat "$out/throughput.jsonl"
}

# How much of a decode step is spent on launching.
decode() {
  local folder=/dev/shm/octavo-decode scheme gap
  : >"$out/decode.jsonl"
  gap=$(timeout 60 python3 benchmarks/peer_gap.py 2>"$out/peer-gap.log") || failure "the peer of launching exited with $?"
  for scheme in FP8_DYNAMIC FP8_W8A16; do
    run_java engine io.octavo.engine.transformer.DecodeBenchmark "$folder" 40 $scheme "${gap:-0}" >>"$out/decode.jsonl" 2>>"$out/decode.log" ||
      failure "decoding with $scheme exited with $?"
  done
  rm -rf "$folder"
  ! grep -q '"passed": *false' "$out/decode.jsonl" || failure "a check of decoding"
}

# What the worker's image needs: shown by ldd, and by quantizing a model where nothing else is.
stripped() {
  local root libraries natives driver
  root=$(mktemp -d)
  natives=$(find "$work/kernels/classes" -name 'libJCudaDriver*.so' | head -n 1)
  driver=$(ldconfig -p | awk '/libcuda\.so\.1 .*x86-64/ {print $NF; exit}')
  libraries=$(ldd "$work"/jvm/bin/java "$work"/jvm/lib/{libjli,libjava,libnio,libnet,libzip,server/libjvm}.so \
    ${natives:+"$natives"} "$driver" |
    awk '/=> \// {print $3} /ld-linux/ {print $1}' | grep -v "^$work")
  libraries=$(printf '%s\n' $libraries "$driver" | sort -u)
  [ -z "$natives" ] || ldd "$natives" >"$out/ldd.txt"
  mkdir -p "$root"/{app,dev,proc,tmp}
  # shellcheck disable=SC2086  # a list
  cp -L --parents $libraries "$root"
  cp -r "$work"/{jvm,lib,kernels,engine,models,data} "$root/app"
  unshare --mount bash -c '
    mount --bind "$0" "$0" && mount --rbind /dev "$0/dev" && mount -t proc proc "$0/proc" &&
      LD_LIBRARY_PATH=$1 exec chroot "$0" /app/jvm/bin/java "${@:3}" -cp "/app/kernels/classes:/app/engine/classes:/app/engine/test-classes:$2" \
        io.octavo.engine.benchmark.GpuModelCheck /app/models/books-5m /app/data /tmp/scratch' \
    "$root" "$(for library in $libraries; do dirname "$library"; done | sort -u | paste -sd :)" \
    "$(cd "$root" && printf '/%s:' app/lib/*.jar)" "${java_options[@]}" >"$out/stripped.jsonl" 2>"$out/stripped.log" ||
    failure "a run under a stripped root exited with $?"
  find "$root" -path "$root/app" -prune -o -path "$root/dev" -prune -o -path "$root/proc" -prune -o -type f -print |
    sed "s,^$root,," >"$out/stripped-files.txt"
  rm -rf --one-file-system "$root"
}

check() {
  echo "{\"check\": \"$1\", \"value\": $2, \"passed\": true}" >>"$out/large.jsonl"
}

sample_device_memory() {
  exec nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits --loop-ms=100 >"$out/device-memory.txt"
}

table() {
  python3 - "$out" <<'PYTHON'
import json, os, sys
out = sys.argv[1]

def lines(name):
    path = os.path.join(out, name)
    return [json.loads(line) for line in open(path) if line.startswith("{")] if os.path.exists(path) else []

ours, peers, checks = lines("benchmark.jsonl"), {p["name"]: p for p in lines("peer.jsonl")}, lines("models.jsonl") + lines("large.jsonl") + lines("decode.jsonl") + lines("devices.jsonl") + [{**c, "check": "stripped root: " + c["check"]} for c in lines("stripped.jsonl")]
if ours:
    print(f"{'kernel':<42}{'us':>10}{'GB/s':>7}{'TFLOP/s':>9}{'peer us':>10}{'x peer':>8}")
for o in ours:
    peer = peers.get(o["name"], {})
    o["peer_us"], o["peer"] = peer.get("us"), peer.get("peer")
    o["ratio"] = round(peer["us"] / o["us"], 2) if "us" in peer else None
    print(f"{o['name']:<42}{o['us']:>10.1f}{o['gbps']:>7.0f}{o['tflops']:>9.1f}{o['peer_us'] or 0:>10.1f}{o['ratio'] or 0:>8.2f}")
for c in checks:
    print(f"{'ok ' if c['passed'] else 'BAD'} {c['check']:<42}{c['value']:>14.6f}")
texts = {}
for name in ("sanitizer.txt", "contract.txt", "failures.txt"):
    path = os.path.join(out, name)
    if os.path.exists(path):
        texts[name] = open(path).read()
        print(texts[name], end="")
json.dump({"kernels": ours, "models": checks, **texts}, open(os.path.join(out, "gpu-check.json"), "w"), indent=1)
PYTHON
}

if [ "${1-}" = pack ]; then
  make_pack "$2" "$3"
elif [ "${1-}" = repack ]; then
  pack_classes
else
  mkdir -p "$out"
  rm -f "$out/failures.txt"
  nvidia-smi -L || failure "no GPU here, so tests skip themselves"
  unpack
  for step in "${@:-contract models benchmark sanitizer}"; do
    for part in $step; do
      begun=$(date +%s)
      "$part"
      echo "$part: $(($(date +%s) - begun)) s" >&2
    done
  done
  rm -rf "$work"
  table
  [ ! -e "$out/failures.txt" ]
fi
