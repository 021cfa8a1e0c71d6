#!/usr/bin/env bash
# quickstart.sh [EPOCHS]: set-up, build, then LeNet on Fashion-MNIST on two ranks of this machine, dense and through
# ScaleCom, and a table of both. Logs go to results/quickstart-<time>/.
set -euo pipefail
cd "$(dirname "$0")/.."
epochs=${1:-3}
launch/setup.sh
launch/build.sh release sterna

logs=results/quickstart-$(date +%Y%m%d-%H%M%S)
for config in fashion-mnist-dense fashion-mnist-scalecom; do
  echo
  echo "== $config: two learners, $epochs epochs, --config configs/$config.toml"
  launch/local.sh 2 train --config "configs/$config.toml" --epochs "$epochs" --log-dir "$logs/$config"
done
echo
launch/summary.sh "$logs"/*
