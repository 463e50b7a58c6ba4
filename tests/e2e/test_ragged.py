"""Ragged batches behind `sarai instance`: an ONNX model that sees the requests end to end."""
import concurrent.futures

import numpy as np
import onnx
import tritonclient.http as triton
from onnx import TensorProto, helper

CONFIG = """
backend: "onnxruntime" max_batch_size: 16
input { name: "x" data_type: TYPE_FP32 dims: [-1] allow_ragged_batch: true }
output { name: "count" data_type: TYPE_FP32 dims: [1] }
output { name: "twice" data_type: TYPE_FP32 dims: [-1] }
batch_input {
  kind: BATCH_ELEMENT_COUNT target_name: "sizes" data_type: TYPE_FP32 source_input: "x"
}
batch_output { kind: BATCH_SCATTER_WITH_INPUT_SHAPE target_name: "twice" source_input: "x" }
dynamic_batching { max_queue_delay_microseconds: 20000 }
"""


def write_ragged(folder):
    (folder / "1").mkdir(parents=True)
    (folder / "config.pbtxt").write_text(CONFIG)
    real = TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node("Unsqueeze", ["sizes", "axis"], ["count"]),
         helper.make_node("Add", ["x", "x"], ["twice"])], "ragged",
        [helper.make_tensor_value_info("x", real, ["n"]),
         helper.make_tensor_value_info("sizes", real, ["b"])],
        [helper.make_tensor_value_info("count", real, ["b", 1]),
         helper.make_tensor_value_info("twice", real, ["n"])],
        [helper.make_tensor("axis", TensorProto.INT64, [1], [1])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
              folder / "1" / "model.onnx")


def test_requests_of_different_lengths_share_batches_and_get_their_own_parts(start_instance,
                                                                            tmp_path):
    write_ragged(tmp_path / "repository" / "ragged")
    server = start_instance("--model-repository", tmp_path / "repository")

    def ask(length):
        values = np.random.default_rng(length).random((1, length), dtype=np.float32)
        given = triton.InferInput("x", [1, length], "FP32")
        given.set_data_from_numpy(values)
        result = triton.InferenceServerClient(server.http).infer("ragged", [given])
        np.testing.assert_array_equal(result.as_numpy("twice"), values + values)
        assert result.as_numpy("count").tolist() == [[length]]

    ask(3)
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        list(pool.map(ask, range(1, 37)))
