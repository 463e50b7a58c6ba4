#!/usr/bin/env bash
# OpenVINO for the CPU: of the PyPI wheel the runtime, the frontends for files of other frameworks
# and the headers; neither the GPU and NPU plug-ins nor what is only for Python.
source "$(dirname "$0")/../common.sh"
begin openvino "$OPENVINO_VERSION"

wheel=$(fetch_wheel openvino "$OPENVINO_VERSION")
unzip -q "$wheel" 'openvino/include/openvino/*' 'openvino/libs/*' \
  -x '*_gpu_plugin.so' '*_npu_plugin.so' '*/cache.json' '*/tbb.pc' '*tbbmalloc_proxy*' \
  '*_pytorch_frontend*' '*_jax_frontend*' '*_gguf_frontend*' '*/libopenvino_c.so*' -d "$work"
mv "$work/openvino/libs" "$work/openvino/lib"
ln -s "$(basename "$work"/openvino/lib/libopenvino.so.*)" "$work/openvino/lib/libopenvino.so"
publish "$work/openvino"
