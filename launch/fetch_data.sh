#!/usr/bin/env bash
# fetch_data.sh [--to DIR] NAME...: fetches public data sets into DIR/NAME (default: data/), as --data-dir wants them.
# NAME: cifar10, cifar100, fsdd, mnist, multi30k, text (tiny Shakespeare).
#
# What is fetched is held against DIR/sums.txt, SHA-256 as `sha256sum` writes it. A file without a sum there is taken as
# it comes: its sum is printed and added, and holds from then on. A file that is there with its sum is not fetched again.
# Copy sums.txt to other machines, and they take the same bytes or none.
# SHELF=URL fetches every file from URL/NAME/FILE instead: a mirror, or file:///... to unpack without a network.
set -euo pipefail

mnist=https://ossci-datasets.s3.amazonaws.com/mnist
multi30k=https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw
to=data
if [ "${1:-}" = --to ]; then
  [ $# -ge 2 ] || { echo "fetch_data.sh: --to needs a directory" >&2; exit 2; }
  to=$2
  shift 2
fi
[ $# -gt 0 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
for tool in curl tar sha256sum; do
  command -v "$tool" >/dev/null || { echo "fetch_data.sh: $tool is missing: apt-get install curl tar coreutils" >&2; exit 2; }
done

partial=
trap '[ -z "$partial" ] || rm -f "$partial"' EXIT

sum_of() { sha256sum "$1" | cut -d' ' -f1; }

# known NAME/FILE: the sum that is written down for it, or nothing.
known() {
  [ ! -f "$to/sums.txt" ] || awk -v path="$1" '{ sum = $1; sub(/^[^ ]+  /, ""); if ($0 == path) print sum }' "$to/sums.txt"
}

# fetch NAME URL: brings URL's file into DIR/NAME, whole and with the right sum, or ends the script.
fetch() {
  local path=$1/${2##*/} sum
  local url=${SHELF:+$SHELF/$path}
  sum=$(known "$path")
  if [ -n "$sum" ] && [ -f "$to/$path" ] && [ "$(sum_of "$to/$path")" = "$sum" ]; then return; fi
  mkdir -p "$to/$1"
  partial=$to/$path.partial
  echo "fetch_data.sh: ${url:-$2}"
  curl --fail --location --silent --show-error --retry 3 --output "$partial" "${url:-$2}"
  if [ -z "$sum" ]; then
    sum=$(sum_of "$partial")
    echo "$sum  $path" | tee -a "$to/sums.txt"
  elif [ "$(sum_of "$partial")" != "$sum" ]; then
    echo "fetch_data.sh: $path = SHA-256 $(sum_of "$partial"): must be $sum, as $to/sums.txt has it; fetch again, or" \
      "remove its line there if you trust the new file" >&2
    exit 1
  fi
  mv "$partial" "$to/$path"
  partial=
}

# unpack NAME ARCHIVE MEMBER-PATTERN DEPTH: takes these members out of DIR/NAME/ARCHIVE, without DEPTH folders.
unpack() { tar -xzf "$to/$1/$2" -C "$to/$1" --wildcards --strip-components="$4" "$3"; }

for name in "$@"; do
  case $name in
    cifar10)
      fetch cifar10 https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz
      unpack cifar10 cifar-10-binary.tar.gz '*.bin' 1 ;;
    cifar100)
      fetch cifar100 https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz
      unpack cifar100 cifar-100-binary.tar.gz '*.bin' 1 ;;
    fsdd)
      fetch fsdd https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/heads/master.tar.gz
      unpack fsdd master.tar.gz '*/recordings/*.wav' 1 ;;
    mnist)
      for file in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do
        fetch mnist "$mnist/$file-ubyte.gz"
      done ;;
    multi30k)
      for file in train.en train.de test_2016_flickr.en test_2016_flickr.de; do fetch multi30k "$multi30k/$file.gz"; done ;;
    text) fetch text https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt ;;
    *) echo "fetch_data.sh: $name: no such data set; try cifar10, cifar100, fsdd, mnist, multi30k or text" >&2; exit 2 ;;
  esac
  echo "fetch_data.sh: --data-dir $to/$name"
done
