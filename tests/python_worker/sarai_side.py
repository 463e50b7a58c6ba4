"""Sarai's end of a Python model's process, for tests of the worker alone."""
import os
import socket
import struct
import subprocess
import sys
import textwrap

from testkit import paths

WORKER = paths.ROOT / "src" / "backends" / "python" / "worker"
sys.path.insert(0, str(WORKER))

from sarai_python.wire import Kind, Link, Writer  # noqa: E402


class Side:
    """A process of a model whose file has the given text."""

    def __init__(self, folder, source, python=sys.executable, environment=""):
        self.file = folder / "1" / "model.py"
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(textwrap.dedent(source))
        self.log_path = folder / "log"
        calls, calls_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        events, events_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.popen = self._spawn(python, environment, calls_end.fileno(), events_end.fileno())
        calls_end.close()
        events_end.close()
        self.calls, self.events = Link(calls.detach()), Link(events.detach())
        self.calls._socket.settimeout(60)
        self._numbers = iter(range(1, 1 << 30))

    def _spawn(self, python, environment, calls, events):
        low = os.dup(calls), os.dup(events)  # so that 3 and 4 are free to be targets in the shell
        arguments = [python, str(WORKER / "launch.py"), f"--parent={os.getpid()}"]
        if environment:
            arguments.append(f"--environment={environment}")
        quoted = " ".join(f"'{word}'" for word in arguments)
        script = f"exec 3<&{low[0]} 4<&{low[1]}; exec {quoted}"
        with open(self.log_path, "wb") as log:
            popen = subprocess.Popen(["bash", "-c", script], pass_fds=low, stdout=log, stderr=log)
        for fd in low:
            os.close(fd)
        return popen

    def log(self):
        return self.log_path.read_text()

    def ask(self, kind, *texts, flags=()):
        """The answer's text; raises what the process says is wrong."""
        writer = Writer()
        for text in texts:
            writer.text(text)
        for flag in flags:
            writer.u8(flag)
        self.calls.send(kind, next(self._numbers), writer)
        return self.result()

    def result(self):
        packet = self.calls.receive()
        assert packet is not None and packet.kind == Kind.RESULT
        error = packet.reader.status()
        if error is not None:
            raise error
        return packet.reader.text()

    def hello(self):
        return self.ask(Kind.HELLO)

    def load(self, config="{}", complete=False):
        return self.ask(Kind.LOAD, "m", "1", str(self.file), str(self.file.parents[1]),
                        str(self.file.parent), config, flags=(int(complete), 0))

    def start(self, config='{"name": "m", "input": [], "output": []}'):
        self.load(config)
        self.ask(Kind.INITIALIZE, config, "m_0_0", "CPU", "0")
        return self

    def run(self, *requests):
        """Begins one: each request is a list of tensors, or (tensors, attributes)."""
        writer = Writer()
        writer.u64(len(requests))
        numbers, tensors = [], []
        for request in requests:
            inputs, attributes = request if isinstance(request, tuple) else (request, {})
            numbers.append(next(self._numbers))
            self._write_request(writer, numbers[-1], attributes)
            writer.u64(len(inputs))
            tensors += inputs
        writer.tensors(tensors)
        run = next(self._numbers)
        self.calls.send(Kind.RUN, run, writer)
        return run, numbers

    @staticmethod
    def _write_request(writer, number, attributes):
        writer.u64(number)
        writer.text(attributes.get("id", ""))
        correlation_id = attributes.get("correlation_id", 0)
        writer.u8(int(isinstance(correlation_id, str)))
        (writer.text if isinstance(correlation_id, str) else writer.u64)(correlation_id)
        writer.u8(attributes.get("flags", 0))
        writer.u64(attributes.get("priority", 0))
        writer.u64(attributes.get("timeout", 0))
        outputs = attributes.get("outputs", [])
        writer.u64(len(outputs))
        for name in outputs:
            writer.text(name)
        writer.parameters(attributes.get("parameters", {}))

    def responses(self, run):
        """Of a run, until it is done: number -> [(final, error or {name: tensor})]."""
        found = {}
        while True:
            packet = self.calls.receive()
            assert packet is not None, self.log()
            if packet.kind == Kind.RUN_DONE:
                assert packet.number == run
                return found
            number, answer = read_response(packet)
            found.setdefault(number, []).append(answer)

    def answers(self, *requests):
        """Of a run whose requests are answered once: in their order."""
        run, numbers = self.run(*requests)
        found = self.responses(run)
        assert all(len(found[number]) == 1 and found[number][0][0] for number in numbers)
        return [found[number][0][1] for number in numbers]

    def close(self):
        self.popen.kill()
        self.popen.wait()
        self.calls._socket.close()
        self.events._socket.close()


def read_response(packet):
    assert packet.kind == Kind.RESPONSE
    final = packet.reader.u8() != 0
    error = packet.reader.status()
    if error is not None:
        return packet.number, (final, error)
    packet.reader.parameters()
    return packet.number, (final, {t.name(): t for t in packet.reader.tensors()})


def raw_header(data):
    return struct.unpack_from("<IHHQQQ", data)
