"""Calls of this model to others, and questions to the server: each with a number of its own, by
which its answers find the thread that waits."""
import itertools
import queue
import threading
from concurrent.futures import ThreadPoolExecutor

from .errors import TritonModelException, triton_error
from .requests import FLAG_SEQUENCE_END, FLAG_SEQUENCE_START, InferenceResponse
from .wire import Kind, Writer

CALLS_AT_ONCE_MAX = 64  # of async_exec; exec blocks its own thread


def _write_call(writer, request):
    writer.text(request.model_name)
    writer.text("" if request.model_version in (-1, None) else str(request.model_version))
    writer.text(request.request_id())
    correlation_id = request.correlation_id()
    writer.u8(int(isinstance(correlation_id, str)))
    if isinstance(correlation_id, str):
        writer.text(correlation_id)
    else:
        writer.u64(correlation_id)
    flags = request.flags()
    writer.u8(int(bool(flags & FLAG_SEQUENCE_START)))
    writer.u8(int(bool(flags & FLAG_SEQUENCE_END)))
    writer.u64(request.timeout())
    outputs = request.requested_output_names()
    writer.u64(len(outputs))
    for name in outputs:
        writer.text(name)
    writer.parameters(request.parameters_as_dict())
    writer.tensors(request.inputs())


def _read_response(reader):
    error = reader.status()
    if error is not None:
        return InferenceResponse(error=triton_error(error.code, error.message))
    parameters = reader.parameters()
    return InferenceResponse(reader.tensors(), parameters=parameters)


class ResponseIterator:
    """The responses of a call to a decoupled model, as they come."""

    def __init__(self, caller, number, answers):
        self._caller = caller
        self._number = number
        self._answers = answers
        self._ended = False

    def __iter__(self):
        return self

    def __next__(self):
        if self._ended:
            raise StopIteration
        final, response = self._caller.next_answer(self._number, self._answers)
        self._ended = final
        if final and not response.has_error() and not response.output_tensors():
            raise StopIteration
        return response

    def cancel(self):
        if not self._ended:
            self._caller.cancel(self._number)


class Caller:
    def __init__(self, link):
        self._link = link
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._waiting = {}
        self._executor = None

    def executor(self):
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(CALLS_AT_ONCE_MAX, "sarai-call")
            return self._executor

    def call(self, request, decoupled):
        writer = Writer()
        writer.u8(int(decoupled))
        _write_call(writer, request)
        number, answers = self._post(Kind.CALL, writer)
        if decoupled:
            return ResponseIterator(self, number, answers)
        _, response = self.next_answer(number, answers)
        return response

    def ask(self, question, *words):
        """A question to the server whose answer is text; raises what the server says is wrong."""
        writer = Writer()
        writer.text(question)
        writer.u64(len(words))
        for word in words:
            writer.text(word)
        number, answers = self._post(Kind.ASK, writer)
        packet = answers.get()
        self._forget(number)
        error = packet.reader.status()
        if error is not None:
            raise TritonModelException(error.message)
        return packet.reader.text()

    def next_answer(self, number, answers):
        packet = answers.get()
        final = packet.reader.u8() != 0
        response = _read_response(packet.reader)
        if final:
            self._forget(number)
        return final, response

    def cancel(self, number):
        self._link.send(Kind.CALL_CANCEL, number)

    def deliver(self, packet):
        with self._lock:
            answers = self._waiting.get(packet.number)
        if answers is not None:
            answers.put(packet)

    def _post(self, kind, writer):
        answers = queue.SimpleQueue()
        with self._lock:
            number = next(self._numbers)
            self._waiting[number] = answers
        self._link.send(kind, number, writer)
        return number, answers

    def _forget(self, number):
        with self._lock:
            self._waiting.pop(number, None)
