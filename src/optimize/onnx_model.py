"""An ONNX model as the runtime sees it."""
from failure import Failure, need

TYPES = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16",
         "tensor(int8)": "int8", "tensor(int16)": "int16", "tensor(int32)": "int32",
         "tensor(int64)": "int64", "tensor(uint8)": "uint8", "tensor(uint16)": "uint16",
         "tensor(uint32)": "uint32", "tensor(uint64)": "uint64", "tensor(bool)": "bool",
         "tensor(string)": "object"}


class OnnxModel:
    def __init__(self, path, threads):
        runtime, = need("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self.session = runtime.InferenceSession(str(path), options,
                                                    providers=["CPUExecutionProvider"])
        except Exception as error:  # the runtime has a class of its own for each code
            raise Failure(f"'{path}' cannot be loaded: {error}") from error
        self._outputs = [output.name for output in self.session.get_outputs()]

    def inputs(self):
        found = {}
        for each in self.session.get_inputs():
            if each.type not in TYPES:
                raise Failure(f"input '{each.name}' is a {each.type}, which samples cannot be of")
            found[each.name] = (TYPES[each.type],
                                [dim if isinstance(dim, int) else None for dim in each.shape])
        return found

    def __call__(self, feed):
        return dict(zip(self._outputs, self.session.run(self._outputs, feed)))
