"""Real models, made here: the same seeded weights as ONNX and as TorchScript.

A network is a list of layers; `Network.onnx()` and `Network.torchscript()` are two spellings of it.
"""
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from testkit import paths, safetensors


class Network:
    """Straight-line code over named values, written down twice while it is built."""

    def __init__(self, input_name, input_dims, seed):
        self.input_name, self.input_dims = input_name, input_dims
        self.random = np.random.default_rng(seed)
        self.parameters = {}
        self._nodes = []
        self._source = ["def forward(self, x: Tensor) -> Tensor:"]
        self._count = 0

    def _emit(self, op, inputs, expression, **attributes):
        self._count += 1
        out = f"v{self._count}"
        self._nodes.append(helper.make_node(op, inputs, [out], **attributes))
        self._source.append(f"    {out} = {expression}")
        return out

    def parameter(self, name, shape, scale):
        value = self.random.standard_normal(shape, dtype=np.float32) * np.float32(scale)
        self.parameters[name] = value
        return name

    def linear(self, x, name, inputs, outputs):
        w = self.parameter(f"{name}_w", (outputs, inputs), 1 / np.sqrt(inputs))
        b = self.parameter(f"{name}_b", (outputs,), 0.1)
        return self._emit("Gemm", [x, w, b], f"torch.linear({x}, self.{w}, self.{b})", transB=1)

    def relu(self, x):
        return self._emit("Relu", [x], f"torch.relu({x})")

    def add(self, x, y):
        return self._emit("Add", [x, y], f"{x} + {y}")

    def conv(self, x, name, inputs, outputs, kernel, stride, padding):
        scale = np.sqrt(2 / (inputs * kernel * kernel))
        w = self.parameter(f"{name}_w", (outputs, inputs, kernel, kernel), scale)
        return self._emit(
            "Conv", [x, w],
            f"torch.conv2d({x}, self.{w}, None, [{stride}, {stride}], [{padding}, {padding}])",
            kernel_shape=[kernel, kernel], strides=[stride, stride], pads=[padding] * 4)

    def batch_norm(self, x, name, channels):
        names = []
        for part, value in (("g", 1.0), ("b", 0.0), ("m", 0.0), ("v", 1.0)):
            full = f"{name}_{part}"
            noise = self.random.standard_normal(channels, dtype=np.float32) * np.float32(0.05)
            self.parameters[full] = np.float32(value) + noise
            names.append(full)
        arguments = ", ".join(f"self.{n}" for n in names)
        return self._emit(
            "BatchNormalization", [x, *names],
            f"torch.batch_norm({x}, {arguments}, False, 0.1, 1e-05, False)", epsilon=1e-5)

    def max_pool(self, x, kernel, stride, padding):
        return self._emit(
            "MaxPool", [x],
            f"torch.max_pool2d({x}, [{kernel}, {kernel}], [{stride}, {stride}],"
            f" [{padding}, {padding}])",
            kernel_shape=[kernel, kernel], strides=[stride, stride], pads=[padding] * 4)

    def global_average_pool(self, x):
        pooled = self._emit("GlobalAveragePool", [x], f"torch.adaptive_avg_pool2d({x}, [1, 1])")
        return self._emit("Flatten", [pooled], f"torch.flatten({pooled}, 1)", axis=1)

    def finish(self, output, output_dims):
        self.output, self.output_dims = output, output_dims
        self._source.append(f"    return {output}")
        return self

    def write_onnx(self, path, input_name="input", output_name="output", parameters=None):
        """`parameters` replace some of the network's own: a fine-tune."""
        values = {**self.parameters, **(parameters or {})}
        rename = {"x": input_name, self.output: output_name}
        nodes = []
        for node in self._nodes:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            for field in (copy.input, copy.output):
                field[:] = [rename.get(name, name) for name in field]
            nodes.append(copy)
        graph = helper.make_graph(
            nodes, "model",
            [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, ["N", *self.input_dims])],
            [helper.make_tensor_value_info(output_name, TensorProto.FLOAT,
                                           ["N", *self.output_dims])],
            [numpy_helper.from_array(value, name) for name, value in values.items()])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.save(model, str(path))

    def write_torchscript(self, path, parameter_files):
        with tempfile.NamedTemporaryFile("w", suffix=".py") as source:
            source.write("\n".join(self._source) + "\n")
            source.flush()
            subprocess.run([paths.TORCHSCRIPT, "write", path, source.name, *parameter_files],
                           check=True)


def mlp(seed, inputs=16, hidden=32, outputs=4):
    """A few KB: what costs is everything but the computation."""
    net = Network("input", [inputs], seed)
    x = net.relu(net.linear("x", "fc1", inputs, hidden))
    return net.finish(net.linear(x, "fc2", hidden, outputs), [outputs])


def resnet50(seed):
    """ResNet-50 (He et al. 2015), 25.6 M parameters, 3x224x224 in, 1000 classes out."""
    net = Network("input", [3, 224, 224], seed)
    x = net.relu(net.batch_norm(net.conv("x", "stem", 3, 64, 7, 2, 3), "stem_bn", 64))
    x = net.max_pool(x, 3, 2, 1)
    channels = 64
    for stage, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            x = _bottleneck(net, x, f"s{stage}b{block}", channels, width, stride)
            channels = width * 4
    x = net.global_average_pool(x)
    return net.finish(net.linear(x, "fc", channels, 1000), [1000])


def _bottleneck(net, x, name, channels, width, stride):
    y = net.relu(net.batch_norm(net.conv(x, f"{name}_1", channels, width, 1, 1, 0),
                                f"{name}_1n", width))
    y = net.relu(net.batch_norm(net.conv(y, f"{name}_2", width, width, 3, stride, 1),
                                f"{name}_2n", width))
    y = net.batch_norm(net.conv(y, f"{name}_3", width, width * 4, 1, 1, 0), f"{name}_3n",
                       width * 4)
    # Random residual branches add up over 16 blocks: damped, activations stay in fp32's range.
    net.parameters[f"{name}_3n_g"] *= np.float32(0.25)
    if channels != width * 4 or stride != 1:
        x = net.batch_norm(net.conv(x, f"{name}_d", channels, width * 4, 1, stride, 0),
                           f"{name}_dn", width * 4)
    return net.relu(net.add(x, y))


def fine_tuned_head(net, layer, seed):
    """New weights for one linear layer: what a fine-tune of a frozen backbone changes."""
    random = np.random.default_rng(seed)
    return {name: (random.standard_normal(value.shape, dtype=np.float32) * np.float32(value.std()))
            for name, value in net.parameters.items() if name.startswith(f"{layer}_")}


CONFIG = """name: "{name}"
platform: "{platform}"
max_batch_size: {max_batch_size}
input [ {{ name: "{input}" data_type: TYPE_FP32 dims: {input_dims} }} ]
output [ {{ name: "{output}" data_type: TYPE_FP32 dims: {output_dims} }} ]
"""

PLATFORMS = {"onnx": ("onnxruntime_onnx", "input", "output", "model.onnx"),
             "pt": ("pytorch_libtorch", "INPUT__0", "OUTPUT__0", "model.pt")}


def write_model_folder(net, folder, framework, parameter_files=(), head=None, max_batch_size=8,
                       extra_config=""):
    """A folder in Triton's layout: config.pbtxt and 1/model.{onnx,pt}; returns its path."""
    folder = pathlib.Path(folder)
    platform, input_name, output_name, artifact = PLATFORMS[framework]
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "1").mkdir(parents=True)
    config = CONFIG.format(name=folder.name, platform=platform, max_batch_size=max_batch_size,
                           input=input_name, input_dims=net.input_dims, output=output_name,
                           output_dims=net.output_dims)
    (folder / "config.pbtxt").write_text(config + extra_config)
    if framework == "onnx":
        net.write_onnx(folder / "1" / artifact, input_name, output_name, head)
        return folder
    with tempfile.TemporaryDirectory() as scratch:
        files = list(parameter_files)
        if not files:
            files.append(pathlib.Path(scratch) / "all.safetensors")
            safetensors.save(files[0], net.parameters)
        if head:
            files.append(pathlib.Path(scratch) / "head.safetensors")
            safetensors.save(files[-1], head)
        net.write_torchscript(folder / "1" / artifact, files)
    return folder


def pack(folder, archive, level=1):
    """`sarai model pack`, as a user would."""
    subprocess.run([paths.SARAI, "model", "pack", folder, "--output", archive,
                    "--compression-level", str(level)], check=True, stdout=subprocess.DEVNULL)
    return archive


def onnx_answer(model_path, x):
    """ONNX Runtime's own answer."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model_path), options,
                                           providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def torch_answer(model_path, x):
    """LibTorch's own answer."""
    with tempfile.TemporaryDirectory() as scratch:
        inputs, outputs = f"{scratch}/in.safetensors", f"{scratch}/out.safetensors"
        safetensors.save(inputs, {"x": x})
        subprocess.run([paths.TORCHSCRIPT, "run", model_path, inputs, outputs], check=True)
        return safetensors.load(outputs)["0"]
