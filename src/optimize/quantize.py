"""Post-training quantisation of ONNX models by ONNX Runtime's tools."""
import pathlib
import shutil
import tempfile

import compare
import folder
import report
import samples as sampling
from failure import Failure, need
from onnx_model import OnnxModel
from openvino_model import OpenVinoModel


def run(options):
    source = folder.artifact(options.folder, "model.onnx", "model.xml")
    if source.suffix == ".xml":
        return run_openvino(options, source)
    if options.to == "bf16":
        raise Failure("ONNX Runtime's CPU kernels have no bf16: convert the model first, with "
                      "`sarai model convert --to openvino`")
    need("onnx", "onnxruntime")
    original = OnnxModel(source, options.threads)
    samples = sampling.read(options.samples, original.inputs())
    method = options.method or ("static" if samples.real else "dynamic")
    if options.to == "int8" and method == "static" and not samples.real:
        raise Failure("static int8 takes its ranges from real inputs: give --samples, or --method "
                      "dynamic")
    with tempfile.TemporaryDirectory() as scratch:
        made = pathlib.Path(scratch) / "model.onnx"
        if options.to == "fp16":
            to_half(source, made)
        elif method == "dynamic":
            to_int8_dynamic(prepared(source, scratch), made)
        else:
            to_int8_static(prepared(source, scratch), made, samples, options)
        changed = OnnxModel(made, options.threads)  # before anything is written for good
        config = folder.without(folder.config_text(options.folder), "name",
                                "default_model_filename")
        version = folder.create(options.output, options.folder, config)
        target = version / "model.onnx"
        target.write_bytes(made.read_bytes())
    times = compare.speed([original, changed], samples, options.runs)
    differences = compare.accuracy(original, changed, samples)
    note = "" if options.to == "int8" else (
        "half precision: weights take half the bytes; a CPU computes it no faster")
    report.tell(options, [folder.size(source), folder.size(target)], times, differences, samples,
                note)


def run_openvino(options, source):
    """bf16 is how OpenVINO computes, not what the file holds: a parameter of the configuration."""
    if options.to != "bf16":
        raise Failure(f"OpenVINO models become bf16 here; for {options.to} quantise the ONNX model "
                      "and convert that")
    original = OpenVinoModel(source, options.threads)
    samples = sampling.read(options.samples, original.inputs())
    changed = OpenVinoModel(source, options.threads, precision="bf16")
    config = folder.without(folder.config_text(options.folder), "name") + (
        '\nparameters { key: "HINT_BF16" value { string_value: "YES" } }\n')
    version = folder.create(options.output, options.folder, config)
    for path in source.parent.iterdir():
        if path.is_file():
            shutil.copy2(path, version / path.name)
    times = compare.speed([original, changed], samples, options.runs)
    differences = compare.accuracy(original, changed, samples)
    sizes = [folder.size(source), folder.size(version / source.name)]
    report.tell(options, sizes, times, differences, samples,
                "the file is the same; HINT_BF16 in its config.pbtxt is what is new")


def prepared(source, scratch):
    """The graph with its shapes inferred and its constants folded, as the tools want it."""
    tools, = need("onnxruntime.quantization.shape_inference")
    print("preparing the graph …", flush=True)
    target = pathlib.Path(scratch) / "prepared.onnx"
    tools.quant_pre_process(str(source), str(target), skip_symbolic_shape=True)
    return target


def to_half(source, target):
    onnx, half = need("onnx", "onnxruntime.transformers.float16")
    print("converting to fp16 …", flush=True)
    model = half.convert_float_to_float16(onnx.load(str(source)), keep_io_types=True)
    onnx.save(model, str(target))


def to_int8_dynamic(source, target):
    tools, = need("onnxruntime.quantization")
    print("quantising weights to int8, activations as they come …", flush=True)
    tools.quantize_dynamic(str(source), str(target), per_channel=True,
                           weight_type=tools.QuantType.QInt8,
                           # Convolutions have no dynamic kernel that is quicker than fp32.
                           op_types_to_quantize=["MatMul", "Gemm", "Attention", "LSTM", "GRU",
                                                 "Gather", "EmbedLayerNormalization"])


def to_int8_static(source, target, samples, options):
    tools, = need("onnxruntime.quantization")

    class Reader(tools.CalibrationDataReader):
        def __init__(self):
            self.number = 0
            self.most = min(len(samples), options.calibration_samples)

        def get_next(self):
            if self.number >= self.most:
                return None
            self.number += 1
            if self.number in (1, self.most) or self.number % 10 == 0:
                print(f"calibrating, sample {self.number} of {self.most}", flush=True)
            return samples[self.number - 1]

    methods = {"minmax": tools.CalibrationMethod.MinMax,
               "entropy": tools.CalibrationMethod.Entropy,
               "percentile": tools.CalibrationMethod.Percentile}
    # Unsigned activations: CPUs multiply u8 by s8 in one instruction, and signed ones leave
    # convolutions in fp32.
    tools.quantize_static(str(source), str(target), Reader(),
                          quant_format=tools.QuantFormat.QDQ,
                          activation_type=tools.QuantType.QUInt8,
                          weight_type=tools.QuantType.QInt8, per_channel=True,
                          calibrate_method=methods[options.calibration])
