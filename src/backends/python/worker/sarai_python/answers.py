"""A client's request from this process's side: whether it was cancelled, and the way of its
answers back to Sarai."""
import threading

from .errors import Code, TritonModelException, sarai_code
from .requests import COMPLETE_FINAL, InferenceResponse
from .wire import Kind, Writer


def write_response(writer, response, declared):
    """Status, parameters and tensors. `declared`: the element types that the configuration says,
    by output; others of the same family are converted."""
    if response is not None and response.has_error():
        error = response.error()
        writer.status(sarai_code(error.code()), error.message())
        return
    writer.status()
    writer.parameters(response.parameters_as_dict() if response is not None else {})
    writer.tensors([_as_declared(tensor, declared) for tensor in response.output_tensors()]
                   if response is not None else [])


def _as_declared(tensor, declared):
    wanted = declared.get(tensor.name(), tensor.triton_dtype())
    if wanted == tensor.triton_dtype():
        return tensor
    return tensor.as_type(wanted) or tensor  # Sarai says what is wrong


class Answers:
    """Of one request. Thread-safe."""

    def __init__(self, link, number, model, on_end):
        self.model_name = model.name
        self.model_version = model.version
        self.sender_taken = False
        self.ended = False
        self.cancelled = False
        self._link = link
        self.number = number
        self._model = model
        self._on_end = on_end
        self._lock = threading.Lock()
        self._kept = None  # of a model that is not decoupled: its one response, before the end

    def send(self, response, final):
        with self._lock:
            if self.ended:
                raise TritonModelException("the request has had its final response already")
            if not self._model.decoupled:
                response = self._only_response(response)
            if final or self._model.decoupled:
                self._post(final, lambda writer: write_response(writer, response,
                                                                self._model.declared_types))
        if final:
            self._on_end(self.number)

    def _only_response(self, response):
        if response is not None and self._kept is not None:
            raise TritonModelException("a second response, but the model is not decoupled: set "
                                       "model_transaction_policy { decoupled: true }")
        self._kept = response if response is not None else self._kept
        return self._kept

    def fail(self, code, message):
        """The request's end, unless it has had it."""
        with self._lock:
            if self.ended:
                return
            self._post(True, lambda writer: writer.status(code, message))
        self._on_end(self.number)

    def _post(self, final, write):
        writer = Writer()
        writer.u8(int(final))
        write(writer)
        self.ended = final
        self._link.send(Kind.RESPONSE, self.number, writer)


class InferenceResponseSender:
    """What models get for sending responses by themselves. When a model drops it without the final
    flag, the request ends with an error."""

    def __init__(self, answers):
        self._answers = answers

    def send(self, response=None, flags=0):
        if response is not None and not isinstance(response, InferenceResponse):
            raise TypeError("send: response must be a pb_utils.InferenceResponse, not "
                            + type(response).__name__)
        if flags not in (0, COMPLETE_FINAL):
            raise TritonModelException(f"send: there is no flag {flags}")
        if response is None and flags == 0:
            raise TritonModelException("send: neither a response nor the final flag was given")
        self._answers.send(response, flags == COMPLETE_FINAL)

    def is_cancelled(self):
        return self._answers.cancelled

    def __del__(self):
        answers = getattr(self, "_answers", None)
        if answers is not None and not answers.ended:
            try:
                answers.fail(Code.INTERNAL, f"model '{answers.model_name}' dropped its response "
                                            "sender without the final flag")
            except (OSError, AttributeError, TypeError):
                pass  # the process is ending
