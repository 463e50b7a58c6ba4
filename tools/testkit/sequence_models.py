"""Stateful models with their config.pbtxt, for the sequence batcher."""
import pathlib
import shutil
import subprocess

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from testkit import paths, safetensors

FLAG = "control {{ kind: CONTROL_SEQUENCE_{kind} int32_false_true: [ 0, 1 ] }}"
DIRECT, OLDEST = "direct { }", "oldest { max_candidate_sequences: 4 }"


def _control(name, kind):
    return f"control_input {{ name: \"{name}\" {FLAG.format(kind=kind)} }}\n"


def _correlation_id(data_type):
    return (f"control_input {{ name: \"CORRID\" control {{ kind: CONTROL_SEQUENCE_CORRID"
            f" data_type: TYPE_{data_type} }} }}\n")


def _values(names, data_type=TensorProto.INT32, dims=1):
    return [helper.make_tensor_value_info(name, data_type, ["N", dims]) for name in names]


def _single_values(names):
    """Without a batch dimension."""
    return [helper.make_tensor_value_info(name, TensorProto.INT32, [1]) for name in names]


def _write(folder, nodes, inputs, outputs, config, initializers=()):
    folder = pathlib.Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "1").mkdir(parents=True)
    graph = helper.make_graph(nodes, "model", inputs, outputs, list(initializers))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(folder / "1" / "model.onnx"))
    (folder / "config.pbtxt").write_text(f'name: "{folder.name}"\nbackend: "onnxruntime"\n'
                                         + config)
    return folder


def _config(sequence, max_batch_size=8, output="OUTPUT", instances=1):
    return f"""max_batch_size: {max_batch_size}
input [ {{ name: "INPUT" data_type: TYPE_INT32 dims: [ 1 ] }} ]
output [ {{ name: "{output}" data_type: TYPE_INT32 dims: [ 1 ] }} ]
instance_group {{ kind: KIND_CPU count: {instances} }}
sequence_batching {{
{sequence}}}
"""


def write_simple_sequence(folder, strategy=DIRECT, idle_us=5_000_000, instances=1,
                          max_batch_size=8, ballast=1):
    """As Triton's example model: OUTPUT is the sum of the sequence's INPUTs since START.

    It holds `ballast` numbers in memory.
    """
    nodes = [
        helper.make_node("Constant", [], ["one"],
                         value=helper.make_tensor("one", TensorProto.INT32, [1], [1])),
        helper.make_node("Sub", ["one", "START"], ["goes_on"]),
        helper.make_node("Mul", ["SUM_IN", "goes_on"], ["before"]),
        helper.make_node("Add", ["before", "INPUT"], ["sum"]),
        helper.make_node("Sub", ["INPUT", "INPUT"], ["first"]),
        helper.make_node("Gather", ["ballast", "first"], ["zero"]),
        helper.make_node("Add", ["sum", "zero"], ["all"]),
        helper.make_node("Mul", ["all", "READY"], ["SUM_OUT"]),
        helper.make_node("Identity", ["SUM_OUT"], ["OUTPUT"]),
    ]
    sequence = (f"max_sequence_idle_microseconds: {idle_us}\n{strategy}\n"
                + _control("START", "START") + _control("READY", "READY")
                + 'state { input_name: "SUM_IN" output_name: "SUM_OUT" data_type: TYPE_INT32'
                  ' dims: [ 1 ] }\n')
    values = _values if max_batch_size else _single_values
    return _write(folder, nodes, values(["INPUT", "START", "READY", "SUM_IN"]),
                  values(["OUTPUT", "SUM_OUT"]),
                  _config(sequence, max_batch_size, instances=instances),
                  [numpy_helper.from_array(np.zeros(ballast, dtype=np.int32), "ballast")])


def write_simple_dyna_sequence(folder, strategy=OLDEST, instances=1):
    """As Triton's: the sum, and with END the correlation id on top."""
    nodes = [
        helper.make_node("Add", ["SUM_IN", "INPUT"], ["SUM_OUT"]),
        helper.make_node("Cast", ["CORRID"], ["id"], to=TensorProto.INT32),
        helper.make_node("Mul", ["id", "END"], ["last"]),
        helper.make_node("Add", ["SUM_OUT", "last"], ["OUTPUT"]),
    ]
    sequence = (f"max_sequence_idle_microseconds: 5000000\n{strategy}\n" + _control("END", "END")
                + _correlation_id("UINT64")
                + 'state { input_name: "SUM_IN" output_name: "SUM_OUT" data_type: TYPE_INT32'
                  ' dims: [ 1 ] initial_state { name: "zero" data_type: TYPE_INT32 dims: [ 1 ]'
                  ' zero_data: true } }\n')
    inputs = _values(["INPUT", "END", "SUM_IN"]) + _values(["CORRID"], TensorProto.UINT64)
    return _write(folder, nodes, inputs, _values(["OUTPUT", "SUM_OUT"]),
                  _config(sequence, instances=instances))


def write_history(folder, initial=None):
    """Its state grows: OUTPUT is every INPUT of the sequence so far, after `initial` (bytes)."""
    nodes = [helper.make_node("Concat", ["SEEN_IN", "INPUT"], ["OUTPUT"], axis=1)]
    state = ('state { input_name: "SEEN_IN" output_name: "OUTPUT" data_type: TYPE_INT32'
             ' dims: [ -1 ] use_growable_memory: true initial_state { name: "first"'
             ' data_type: TYPE_INT32 dims: [ 2 ] data_file: "first" } }\n')
    config = _config(state + "oldest { }\n").replace(
        'name: "OUTPUT" data_type: TYPE_INT32 dims: [ 1 ]',
        'name: "OUTPUT" data_type: TYPE_INT32 dims: [ -1 ]')
    folder = _write(folder, nodes, _values(["INPUT"]) + _values(["SEEN_IN"], dims="K"),
                    _values(["OUTPUT"], dims="M"), config)
    (folder / "initial_state").mkdir()
    (folder / "initial_state" / "first").write_bytes(initial)
    return folder


def write_named_sequence(folder):
    """OUTPUT is the correlation id as the model gets it, as text."""
    nodes = [helper.make_node("Identity", ["CORRID"], ["OUTPUT"])]
    config = _config(_correlation_id("STRING")).replace(
        'name: "OUTPUT" data_type: TYPE_INT32', 'name: "OUTPUT" data_type: TYPE_STRING')
    inputs = _values(["INPUT"]) + _values(["CORRID"], TensorProto.STRING)
    return _write(folder, nodes, inputs, _values(["OUTPUT"], TensorProto.STRING), config)


def write_control_watcher(folder, strategy=DIRECT):
    """OUTPUT is, of the batch that INPUT ran in: rows ready, rows, rows that START, that END."""
    counts = ["ready", "size", "start", "end"]
    nodes = [
        helper.make_node("Equal", ["READY", "READY"], ["each"]),
        helper.make_node("Cast", ["each"], ["EACH"], to=TensorProto.INT32),
        helper.make_node("Sub", ["INPUT", "INPUT"], ["zeros"]),
        helper.make_node("Constant", [], ["axis"],
                         value=helper.make_tensor("axis", TensorProto.INT64, [1], [0])),
    ]
    for count, of in zip(counts, ["READY", "EACH", "START", "END"]):
        nodes += [helper.make_node("Mul", [of, "READY" if count != "size" else of], [of + "_m"]),
                  helper.make_node("ReduceSum", [of + "_m", "axis"], [of + "_sum"]),
                  helper.make_node("Add", [of + "_sum", "zeros"], [count])]
    nodes.append(helper.make_node("Concat", counts, ["OUTPUT"], axis=1))
    sequence = f"max_sequence_idle_microseconds: 600000000\n{strategy}\n" + "".join(
        _control(name, name) for name in ("START", "READY", "END"))
    config = _config(sequence).replace('"OUTPUT" data_type: TYPE_INT32 dims: [ 1 ]',
                                       '"OUTPUT" data_type: TYPE_INT32 dims: [ 4 ]')
    return _write(folder, nodes, _values(["INPUT", "START", "READY", "END"]),
                  _values(["OUTPUT"], dims=4), config)


SCRIPT = """def forward(self, INPUT: Tensor, START: Tensor,
            SUM_IN: Tensor) -> Tuple[Tensor, Tensor]:
    total = SUM_IN * (1 - START) + INPUT + self.none
    return total, total
"""


def write_torch_sequence(folder):
    """The sum again, as TorchScript."""
    folder = pathlib.Path(folder)
    (folder / "1").mkdir(parents=True)
    (folder / "source.py").write_text(SCRIPT)
    safetensors.save(folder / "all.safetensors", {"none": np.zeros(1, dtype=np.float32)})
    subprocess.run([paths.TORCHSCRIPT, "write", folder / "1" / "model.pt", folder / "source.py",
                    folder / "all.safetensors"], check=True)
    sequence = (_control("START", "START").replace("int32_false_true", "fp32_false_true")
                + 'state { input_name: "SUM_IN" output_name: "SUM__1" data_type: TYPE_FP32'
                  ' dims: [ 1 ] }\n')
    config = _config(sequence, output="OUTPUT__0").replace("TYPE_INT32", "TYPE_FP32")
    (folder / "config.pbtxt").write_text(f'name: "{folder.name}"\nbackend: "pytorch"\n' + config)
    return folder
