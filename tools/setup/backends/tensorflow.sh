#!/usr/bin/env bash
# TensorFlow for the CPU: of the PyPI wheel only the two libraries; no Python, no headers.
source "$(dirname "$0")/../common.sh"
begin tensorflow "$TENSORFLOW_VERSION"

say "downloading 274 MB"
wheel=$(fetch_wheel tensorflow-cpu "$TENSORFLOW_VERSION")
mkdir -p "$work/tensorflow/lib"
unzip -q -j "$wheel" 'tensorflow/libtensorflow_*.so.2' -d "$work/tensorflow/lib"
rm "$wheel"
publish "$work/tensorflow"
