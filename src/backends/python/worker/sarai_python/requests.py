"""pb_utils.InferenceRequest and InferenceResponse, as models get and make them."""
import json

from .errors import TritonError, TritonModelException
from .tensor import Tensor

FLAG_SEQUENCE_START = 1
FLAG_SEQUENCE_END = 2
RELEASE_ALL = 1
RELEASE_RESCHEDULE = 2
COMPLETE_FINAL = 1


class InferenceTrace:
    def __init__(self, context=""):
        self._context = context

    def get_context(self):
        return self._context or None


class MemoryType:
    TRITONSERVER_MEMORY_GPU, TRITONSERVER_MEMORY_CPU = range(2)


class PreferredMemory:
    """Accepted and without effect: all tensors are in the CPU's memory."""

    def __init__(self, preferred_memory_type, preferred_device_id=0):
        self.memory_type = preferred_memory_type
        self.device_id = preferred_device_id


def _all_tensors(tensors, what):
    tensors = list(tensors)
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{what} must be pb_utils.Tensor, not {type(tensor).__name__}")
    return tensors


class InferenceResponse:
    def __init__(self, output_tensors=(), error=None, parameters=None):
        if error is not None and not isinstance(error, TritonError):
            raise TypeError("InferenceResponse: error must be a pb_utils.TritonError, not "
                            + type(error).__name__)
        self._tensors = _all_tensors(output_tensors, "InferenceResponse: output_tensors")
        self._error = error
        self._parameters = _checked_parameters(parameters)

    def output_tensors(self):
        return self._tensors

    def error(self):
        return self._error

    def has_error(self):
        return self._error is not None

    def parameters(self):
        return json.dumps(self._parameters)

    def parameters_as_dict(self):
        return self._parameters


def _checked_parameters(parameters):
    if parameters is None:
        return {}
    for name, value in parameters.items():
        if not isinstance(name, str) or not isinstance(value, (bool, int, str, float)):
            raise TypeError(f"parameter {name!r}: a name is a str, a value a bool, int, float or "
                            "str")
    return dict(parameters)


class InferenceRequest:
    """A request: of a client, as execute gets it, or of a model, to another model."""

    caller = None  # set where the process can make calls (worker.py)

    def __init__(self, request_id="", correlation_id=0, inputs=None, requested_output_names=None,
                 model_name=None, model_version=-1, flags=0, timeout=0, preferred_memory=None,
                 trace=None, parameters=None):
        for what, value in (("inputs", inputs), ("requested_output_names",
                                                 requested_output_names),
                            ("model_name", model_name)):
            if value is None:
                raise TypeError(f"InferenceRequest: {what} is missing")
        if not isinstance(correlation_id, (int, str)):
            raise TritonModelException("InferenceRequest: correlation_id must be an int or a str")
        self._id = request_id
        self._correlation_id = correlation_id
        self._inputs = _all_tensors(inputs, "InferenceRequest: inputs")
        self._outputs = list(dict.fromkeys(requested_output_names))
        self.model_name = model_name
        self.model_version = model_version
        self._flags = flags
        self._timeout = timeout
        self._preferred_memory = preferred_memory
        self._trace = trace or InferenceTrace()
        self._parameters = _checked_parameters(parameters)
        self._priority = 0
        self._answers = None  # of a client's request: the way back to it
        self._sender = None

    @classmethod
    def of_client(cls, answers, reader):
        """As Sarai sends it within a run."""
        request = cls.__new__(cls)
        request._answers = answers
        request._sender = None
        request._id = reader.text()
        request._correlation_id = reader.text() if reader.u8() else reader.u64()
        request._flags = reader.u8()
        request._priority = reader.u64()
        request._timeout = reader.u64()
        request._outputs = [reader.text() for _ in range(reader.u64())]
        request._parameters = reader.parameters()
        request._inputs = []
        request._trace = InferenceTrace()
        request._preferred_memory = None
        request.model_name = answers.model_name
        request.model_version = answers.model_version
        return request

    def set_inputs(self, inputs):
        self._inputs = inputs

    def inputs(self):
        return self._inputs

    def request_id(self):
        return self._id

    def correlation_id(self):
        return self._correlation_id

    def flags(self):
        return self._flags

    def set_flags(self, flags):
        self._flags = flags

    def timeout(self):
        return self._timeout

    def priority(self):
        return self._priority

    def parameters(self):
        return json.dumps(self._parameters)

    def parameters_as_dict(self):
        return self._parameters

    def preferred_memory(self):
        return self._preferred_memory

    def trace(self):
        return self._trace

    def requested_output_names(self):
        return self._outputs

    def is_cancelled(self):
        return self._answers is not None and self._answers.cancelled

    def get_response_sender(self):
        if self._answers is None:
            raise TritonModelException("get_response_sender: this request is not a client's")
        if self._sender is None:
            from .answers import InferenceResponseSender
            self._answers.sender_taken = True
            self._sender = InferenceResponseSender(self._answers)
        return self._sender

    def set_release_flags(self, flags):
        if self._answers is None:
            raise TritonModelException("set_release_flags: this request is not a client's")
        if flags == RELEASE_RESCHEDULE:
            raise TritonModelException("set_release_flags: requests cannot be rescheduled here")
        if flags != RELEASE_ALL:
            raise TritonModelException(f"set_release_flags: there is no flag {flags}")

    def _calls(self):
        if self.caller is None:
            raise TritonModelException("this process cannot call other models")
        return self.caller

    def exec(self, decoupled=False):
        return self._calls().call(self, decoupled)

    def async_exec(self, decoupled=False):
        import asyncio
        return asyncio.get_running_loop().run_in_executor(
            self._calls().executor(), lambda: self.exec(decoupled))
