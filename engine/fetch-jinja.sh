#!/usr/bin/env bash
# Fetches the interpreter of chat templates, the npm package @huggingface/jinja, by npm. A build without npm, or without a
# network, does without it and says so; whoever renders a chat template then gets the error chat-template-unavailable.
#
# Usage: fetch-jinja.sh TARGET VERSION SHA256
#   TARGET    folder that gets index.cjs and LICENSE; what is there already, and has the digest, stays
#   VERSION   of the package
#   SHA256    of the package's dist/index.cjs; another one fails the build
set -euo pipefail
target=$1
version=$2
sha256=$3
package=@huggingface/jinja@$version
# Why there is none, for the launcher, which builds again once there is an npm.
absent=$(cd -P -- "$(dirname -- "$0")" && pwd)/target/jinja-absent

has_digest() {
  [ -f "$1" ] && [ "$(sha256sum -- "$1" | cut -d ' ' -f 1)" = "$sha256" ]
}

do_without() {
  rm -rf -- "$target"
  mkdir -p -- "${absent%/*}"
  echo "$1" >"$absent"
  echo "chat templates cannot be rendered by this build: $1 (npm package $package)" >&2
  exit 0
}

rm -f -- "$absent"
if has_digest "$target/index.cjs"; then
  exit 0
fi
command -v npm >/dev/null 2>&1 || do_without "there is no npm"
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
(cd -- "$work" && npm pack --silent "$package" >/dev/null 2>"$work/log" && tar -xzf ./*.tgz) \
  || do_without "npm cannot fetch it: $(tail -n 1 -- "$work/log")"
if ! has_digest "$work/package/dist/index.cjs"; then
  echo "dist/index.cjs of $package has another SHA-256 than $sha256" >&2
  exit 1
fi
mkdir -p -- "$target"
cp -- "$work/package/LICENSE" "$target/LICENSE"
cp -- "$work/package/dist/index.cjs" "$target/index.cjs.part"
mv -- "$target/index.cjs.part" "$target/index.cjs"
