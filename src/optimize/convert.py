"""Models in another framework's format, by that framework's own tools."""
import compare
import folder
import report
import samples as sampling
from failure import Failure, need
from onnx_model import OnnxModel
from openvino_model import OpenVinoModel


def run(options):
    if options.to == "tensorrt":
        return to_tensorrt(options)
    return to_openvino(options)


class TorchModel:
    """TorchScript by the user's torch; inputs and outputs are those of the configuration."""

    def __init__(self, path, config, threads):
        self.torch, = need("torch")
        self.torch.set_num_threads(threads)
        self.module = self.torch.jit.load(str(path)).eval()
        self.names = {kind: folder.tensor_names(config, kind) for kind in ("input", "output")}

    def tensors(self, feed):
        return [self.torch.from_numpy(feed[name]) for name in self.names["input"]]

    def __call__(self, feed):
        with self.torch.inference_mode():
            answers = self.module(*self.tensors(feed))
        answers = answers if isinstance(answers, (tuple, list)) else [answers]
        return {name: answer.numpy() for name, answer in zip(self.names["output"], answers)}


def to_openvino(options):
    openvino, = need("openvino")
    config = folder.config_text(options.folder)
    source = folder.artifact(options.folder, "model.onnx", "model.pt")
    if source.suffix == ".pt":
        original = TorchModel(source, config, options.threads)
        if options.samples is None:
            raise Failure("a TorchScript model does not say what it takes: give --samples")
        numpy, = need("numpy")
        with numpy.load(options.samples, allow_pickle=False) as file:
            inputs = {name: (file[name].dtype, [None] * file[name].ndim)
                      for name in original.names["input"] if name in file.files}
        samples = sampling.read(options.samples, inputs)
        print("converting …", flush=True)
        model = openvino.convert_model(original.module, example_input=original.tensors(samples[0]))
        for port, name in zip(model.inputs, original.names["input"]):
            port.get_tensor().set_names({name})
        for port, name in zip(model.outputs, original.names["output"]):
            port.get_tensor().set_names({name})
    else:
        original = OnnxModel(source, options.threads)
        samples = sampling.read(options.samples, original.inputs())
        print("converting …", flush=True)
        model = openvino.convert_model(str(source))
    config = folder.without(config, "name", "platform", "backend", "default_model_filename")
    version = folder.create(options.output, options.folder, 'backend: "openvino"\n' + config)
    target = version / "model.xml"
    openvino.save_model(model, str(target), compress_to_fp16=options.precision == "fp16")
    changed = OpenVinoModel(target, options.threads)
    times = compare.speed([original, changed], samples, options.runs)
    differences = compare.accuracy(original, changed, samples)
    report.tell(options, [folder.size(source), folder.size(target)], times, differences, samples)


def to_tensorrt(options):
    """The plan that `trtexec` would build; needs the GPU that it is for."""
    tensorrt, = need("tensorrt")
    source = folder.artifact(options.folder, "model.onnx")
    logger = tensorrt.Logger(tensorrt.Logger.WARNING)
    builder = tensorrt.Builder(logger)
    network = builder.create_network(0)
    parser = tensorrt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(source)):
        raise Failure(f"TensorRT cannot read '{source}': {parser.get_error(0)}")
    settings = builder.create_builder_config()
    if options.precision == "fp16":
        settings.set_flag(tensorrt.BuilderFlag.FP16)
    print("building the plan, which may take minutes …", flush=True)
    plan = builder.build_serialized_network(network, settings)
    if plan is None:
        raise Failure("TensorRT could not build a plan; its messages are above")
    config = folder.without(folder.config_text(options.folder), "name", "platform", "backend",
                            "default_model_filename")
    version = folder.create(options.output, options.folder,
                            'platform: "tensorrt_plan"\n' + config)
    (version / "model.plan").write_bytes(bytes(plan))
    print(f"{options.output}  (not compared: its answers need the GPU)")
