"""Warm-up before a model is ready: each kind of data reaches it, and its failure ends the load.

The model looks its input up in a table; what is not in there is an error.
"""
import json
import urllib.request

import numpy as np
import onnx
import pytest
import tritonclient.http as triton
from onnx import TensorProto, helper, numpy_helper
from tritonclient.utils import InferenceServerException

ZERO, RANDOM, FILE = "zero_data: true", "random_data: true", 'input_data_file: "sample"'


def write_lookup(folder, data, entries, batch=2, count=3, file=()):
    (folder / "1").mkdir(parents=True)
    (folder / "config.pbtxt").write_text(f"""
backend: "onnxruntime" max_batch_size: 4
input {{ name: "index" data_type: TYPE_INT64 dims: [ 1 ] }}
output {{ name: "entry" data_type: TYPE_FP32 dims: [ 1 ] }}
model_warmup {{
  name: "first" batch_size: {batch} count: {count}
  inputs {{ key: "index" value {{ data_type: TYPE_INT64 dims: [ 1 ] {data} }} }}
}}""")
    (folder / "warmup").mkdir()
    (folder / "warmup" / "sample").write_bytes(np.array(file, dtype=np.int64).tobytes())
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "index"], ["entry"])], "lookup",
        [helper.make_tensor_value_info("index", TensorProto.INT64, ["n", 1])],
        [helper.make_tensor_value_info("entry", TensorProto.FLOAT, ["n", 1])],
        [numpy_helper.from_array(np.arange(entries, dtype=np.float32), "table")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
              folder / "1" / "model.onnx")


@pytest.mark.parametrize("data,entries,file,loads", [
    (ZERO, 1, (), True), (ZERO, 0, (), False), (RANDOM, 100, (), True), (RANDOM, 1, (), False),
    (FILE, 10, (9,), True), (FILE, 10, (9, 10), False), (FILE, 10, (1, 2), True)])
def test_a_model_is_ready_once_its_samples_ran(start_instance, tmp_path, data, entries, file,
                                               loads):
    write_lookup(tmp_path / "repository" / "lookup", data, entries, file=file)
    server = start_instance("--model-repository", tmp_path / "repository")
    client = triton.InferenceServerClient(server.http)
    if not loads:
        with pytest.raises(InferenceServerException, match="warm-up .first."):
            client.load_model("lookup")
        assert not [model for model in client.get_model_repository_index()
                    if model.get("state") == "READY"]
        return
    client.load_model("lookup")
    assert client.is_model_ready("lookup")
    with urllib.request.urlopen(f"{server.url}/v2/models/lookup/stats", timeout=30) as response:
        assert json.load(response)["model_stats"][0]["inference_count"] == 0


def test_a_sample_that_does_not_fit_is_named(start_instance, tmp_path):
    write_lookup(tmp_path / "repository" / "lookup", FILE, 10, file=(1, 2, 3))
    client = triton.InferenceServerClient(
        start_instance("--model-repository", tmp_path / "repository").http)
    with pytest.raises(InferenceServerException, match="'first'.*'index'"):
        client.load_model("lookup")
