"""Ragged batches behind `sarai instance`: an ONNX model that sees the requests end to end."""
import concurrent.futures

import numpy as np
import onnx
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton
from onnx import TensorProto, helper, numpy_helper

from gated import LANES, Calls, Gate, Statistics, write_gate

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


KINDS = {"count": "BATCH_ELEMENT_COUNT", "sums": "BATCH_ACCUMULATED_ELEMENT_COUNT",
         "starts": "BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO",
         "most": "BATCH_MAX_ELEMENT_COUNT_AS_SHAPE", "shape": "BATCH_ITEM_SHAPE",
         "flat": "BATCH_ITEM_SHAPE_FLATTEN"}


def write_described(folder, batching="dynamic_batching { }"):
    """One row of OUT a request: what each kind of batch input says, and the sum over the batch."""
    (folder / "1").mkdir(parents=True)
    described = "".join(f'batch_input {{ kind: {kind} target_name: "{name}" data_type: TYPE_FP32'
                        ' source_input: "X" }\n' for name, kind in KINDS.items())
    (folder / "config.pbtxt").write_text(f"""
backend: "onnxruntime" max_batch_size: 8
input {{ name: "X" data_type: TYPE_FP32 dims: [ -1, 2 ] allow_ragged_batch: true }}
input {{ name: "ROW" data_type: TYPE_FP32 dims: [ 1 ] }}
output {{ name: "OUT" data_type: TYPE_FP32 dims: [ 9 ] }}
instance_group {{ count: 1 kind: KIND_CPU }}
{batching}
{described}""")
    make, real = helper.make_node, TensorProto.FLOAT
    numbers = {"one": [1], "first": [0], "last": [-1], "zero": [0], "pairs": [-1, 2]}
    columns = ["count_c", "sums_c", "before_c", "most_c", "shape", "pair", "all_c"]
    nodes = [make("Sub", ["ROW", "ROW"], ["nil"]),
             make("Unsqueeze", ["count", "one"], ["count_c"]),
             make("Unsqueeze", ["sums", "one"], ["sums_c"]),
             make("Slice", ["starts", "first", "last"], ["before"]),
             make("Unsqueeze", ["before", "one"], ["before_c"]),
             make("Shape", ["most"], ["most_i"]), make("Cast", ["most_i"], ["most_f"], to=real),
             make("Add", ["most_f", "nil"], ["most_c"]),
             make("Reshape", ["flat", "pairs"], ["pair"]),
             make("ReduceSum", ["X", "zero"], ["all"]), make("Add", ["all", "nil"], ["all_c"]),
             make("Concat", columns, ["OUT"], axis=1)]
    shapes = {"X": ["x"], "ROW": ["b", 1], "count": ["b"], "sums": ["b"], "starts": ["b1"],
              "most": ["m"], "shape": ["b", 2], "flat": ["b2"]}
    graph = helper.make_graph(
        nodes, "described",
        [helper.make_tensor_value_info(name, real, shape) for name, shape in shapes.items()],
        [helper.make_tensor_value_info("OUT", real, ["b", 9])],
        [numpy_helper.from_array(np.array(value, dtype=np.int64), name)
         for name, value in numbers.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
              folder / "1" / "model.onnx")


def test_every_kind_of_batch_input_describes_the_batch(start_instance, tmp_path):
    repository = tmp_path / "repository"
    write_described(repository / "described")
    write_gate(repository)
    server = start_instance("--model-repository", repository, "--lanes", LANES)
    with triton.InferenceServerClient(server.http) as client:
        client.load_model("described")

    def inputs(length):
        given = [triton_grpc.InferInput("X", [1, length, 2], "FP32"),
                 triton_grpc.InferInput("ROW", [1, 1], "FP32")]
        given[0].set_data_from_numpy(np.ones((1, length, 2), dtype=np.float32))
        given[1].set_data_from_numpy(np.zeros((1, 1), dtype=np.float32))
        return given

    calls = Calls(server, "described", inputs=inputs)
    with Gate(server):
        for length in (1, 3, 2):
            calls.queue(length)
    calls.wait()
    assert not calls.errors()
    assert Statistics(server, "described").batches == {3: 1}
    rows = {length: calls.answers[length].as_numpy("OUT").ravel().tolist() for length in (1, 3, 2)}
    assert rows == {1: [2, 2, 0, 6, 1, 2, 1, 2, 12], 3: [6, 8, 2, 6, 3, 2, 3, 2, 12],
                    2: [4, 12, 8, 6, 2, 2, 2, 2, 12]}
