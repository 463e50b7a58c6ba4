"""The worker: one model object, asked by Sarai over two sockets."""
import itertools
import os
import platform
import sys
import threading

from .answers import Answers
from .calls import Caller
from .errors import Code, WorkerError
from .logger import Log
from .model import UserModel
from .requests import InferenceRequest
from .wire import Kind, Link, Writer

CALLS_FD, EVENTS_FD = 3, 4


class Worker:
    """The main thread runs the model; a second one takes what others wait for."""

    model_dir = ""

    def __init__(self, calls, events):
        self._calls = calls
        self._events = events
        self._model = None
        self._lock = threading.Lock()
        self._open = {}  # requests that are not over, by number
        self.caller = Caller(calls)

    def serve(self):
        threading.Thread(target=self._listen, name="sarai-events", daemon=True).start()
        while True:
            packet = self._calls.receive()
            if packet is None:
                return
            if packet.kind == Kind.RUN:
                self._run(packet)
            elif self._answer(packet):
                return

    # --- the main thread ---

    def _answer(self, packet):
        """True after the last call."""
        writer = Writer()
        try:
            text = self._do(packet.kind, packet.reader)
            writer.status()
            writer.text(text)
        except WorkerError as error:
            writer.status(error.code, error.message)
        self._calls.send(Kind.RESULT, packet.number, writer)
        return packet.kind == Kind.FINALIZE

    def _do(self, kind, reader):
        if kind == Kind.HELLO:
            return platform.python_version()
        if kind == Kind.LOAD:
            return self._load(reader)
        if kind == Kind.INITIALIZE:
            config_json = reader.text()
            instance = {"model_instance_name": reader.text(),
                        "model_instance_kind": reader.text(),
                        "model_instance_device_id": reader.text()}
            self._model.initialize(config_json, instance)
        elif kind == Kind.FINALIZE:
            self._model.finalize()
        else:
            raise WorkerError(Code.INTERNAL, f"a call of unknown kind {kind}")
        return ""

    def _load(self, reader):
        name, version, file, directory, model_dir = (reader.text() for _ in range(5))
        config_json = reader.text()
        complete = reader.u8() != 0
        Log.open(name, verbose=reader.u8() != 0)
        self._model = UserModel(name, version, file, directory)
        Worker.model_dir = model_dir
        self._model.load()
        return self._model.auto_complete(config_json) if complete else ""

    def _run(self, packet):
        reader = packet.reader
        requests, all_answers, counts = [], [], []
        for _ in range(reader.u64()):
            answers = Answers(self._calls, reader.u64(), self._model, self._close)
            with self._lock:
                self._open[answers.number] = answers
            all_answers.append(answers)
            requests.append(InferenceRequest.of_client(answers, reader))
            counts.append(reader.u64())
        inputs = iter(reader.tensors())
        for request, count in zip(requests, counts):
            request.set_inputs(list(itertools.islice(inputs, count)))
        del reader, inputs, request
        packet.reader = None
        self._model.execute(requests, all_answers)
        self._calls.send(Kind.RUN_DONE, packet.number)

    def _close(self, number):
        with self._lock:
            self._open.pop(number, None)

    # --- the other thread ---

    def _listen(self):
        while True:
            packet = self._events.receive()
            if packet is None:
                os._exit(0)  # Sarai is gone, and nobody waits for the model any more
            if packet.kind == Kind.CANCEL:
                with self._lock:
                    answers = self._open.get(packet.number)
                if answers is not None:
                    answers.cancelled = True
            else:
                self.caller.deliver(packet)


def get_model_dir():
    """The folder of the version that this process serves."""
    return Worker.model_dir


def main():
    worker = Worker(Link(CALLS_FD), Link(EVENTS_FD))
    InferenceRequest.caller = worker.caller
    try:
        worker.serve()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(0)  # threads that a model left behind do not keep it
