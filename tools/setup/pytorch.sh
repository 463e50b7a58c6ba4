#!/usr/bin/env bash
# LibTorch for the CPU: of the PyPI wheel only the CPU libraries and the headers, and beside them
# the two small CUDA libraries that libtorch_cpu is linked against (no driver is needed).
source "$(dirname "$0")/common.sh"
begin torch "$TORCH_VERSION cuda-runtime $CUDA_RUNTIME_VERSION cupti $CUDA_CUPTI_VERSION"

say "downloading 540 MB"
wheel=$(fetch_wheel torch "$TORCH_VERSION")
cudart=$(fetch_wheel nvidia-cuda-runtime "$CUDA_RUNTIME_VERSION")
cupti=$(fetch_wheel nvidia-cuda-cupti "$CUDA_CUPTI_VERSION")

unzip -q "$wheel" 'torch/include/*' 'torch/lib/libtorch_cpu.so' 'torch/lib/libc10.so' \
  'torch/lib/libgomp*' -d "$work"
rm "$wheel"
unzip -q -j "$cudart" '*/lib/libcudart.so.*' -d "$work/torch/lib"
unzip -q -j "$cupti" '*/lib/libcupti.so.*' -d "$work/torch/lib"
publish "$work/torch"
