#!/usr/bin/env bash
# setup.sh [--tests | --testbed]: installs the Debian 12 packages that are missing; does nothing if none is.
# --tests adds what only the tests need, --testbed what launch/testbed.sh needs (the tests need that too). Asks for sudo
# only when not root.
set -euo pipefail

packages=(
  g++ cmake ninja-build ccache                                  # to build
  openmpi-bin libopenmpi-dev                                    # ranks
  libdnnl-dev libopenblas-openmp-dev                            # convolutions, matrix products
  libcli11-dev nlohmann-json3-dev libtomlplusplus-dev           # flags, JSON, TOML
  libfftw3-dev                                                  # spectra of speech
  zlib1g-dev libxxhash-dev                                      # .gz, checksums
  libturbojpeg0-dev                                             # image-folder
  libgtest-dev libgmock-dev libbenchmark-dev                    # tests, benches
  dataset-fashion-mnist                                         # the quick start's images
)
testbed=(iproute2 util-linux hostname procps openssh-server openssh-client)
case ${1:-} in
  --tests)
    packages+=(python3-numpy python3-yaml curl clang-format-14 gcovr shellcheck "${testbed[@]}")
    packages+=(bash zsh fish mandoc groff-base dpkg-dev file pkgconf)  # completions, the man page, packages
    ;;
  --testbed) packages+=("${testbed[@]}") ;;
esac

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "setup.sh: this machine has no apt-get; please install by hand: ${missing[*]}" >&2
  exit 2
fi
as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "setup.sh: run this as root: apt-get install ${missing[*]}" >&2; exit 2; }
  as_root=(sudo)
fi
echo "setup.sh: installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
