"""A model as OpenVINO runs it."""
from failure import Failure, need


class OpenVinoModel:
    def __init__(self, path, threads, precision="f32"):
        openvino, = need("openvino")
        try:
            self.compiled = openvino.Core().compile_model(
                str(path), "CPU", {"INFERENCE_PRECISION_HINT": precision,
                                   "INFERENCE_NUM_THREADS": threads})
        except RuntimeError as error:
            raise Failure(f"'{path}' cannot be loaded: {error}") from error
        self._outputs = [output.get_any_name() for output in self.compiled.outputs]

    def inputs(self):
        return {port.get_any_name(): (port.get_element_type().to_dtype(),
                                      [None if dim.is_dynamic else dim.get_length()
                                       for dim in port.get_partial_shape()])
                for port in self.compiled.inputs}

    def __call__(self, feed):
        answers = self.compiled(feed)
        return {name: answers[place] for place, name in enumerate(self._outputs)}
