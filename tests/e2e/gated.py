"""Models whose scheduling can be watched, and a gate that holds every lane of an instance shut."""
import json
import re
import threading
import urllib.request

import numpy as np
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from tritonclient.utils import InferenceServerException

from waiting import wait_until

FOREVER_MS = 600_000
LANES = 2


def write_identity(repository, name, config="", max_batch_size=1, dims=(1,), delay_ms=0, count=1):
    """OUTPUT0 is INPUT0, as INT32, after `delay_ms`; one run at a time for each of `count`."""
    (repository / name / "1").mkdir(parents=True)
    (repository / name / "config.pbtxt").write_text(f"""
name: "{name}" backend: "identity" max_batch_size: {max_batch_size}
input {{ name: "INPUT0" data_type: TYPE_INT32 dims: {list(dims)} }}
output {{ name: "OUTPUT0" data_type: TYPE_INT32 dims: {list(dims)} }}
parameters {{ key: "execute_delay_ms" value {{ string_value: "{delay_ms}" }} }}
{config if "instance_group" in config
   else f'instance_group {{ count: {count} kind: KIND_CPU }} {config}'}
""")


def write_gate(repository):
    """The model that Gate holds the lanes with."""
    write_identity(repository, "gate", delay_ms=FOREVER_MS, count=LANES)


def int32(client_library, name, values):
    values = np.array(values, dtype=np.int32)
    given = client_library.InferInput(name, list(values.shape), "INT32")
    given.set_data_from_numpy(values)
    return given


def metric(server, name, model):
    """The value of one of a model's gauges and counters; 0 where there is none yet."""
    with urllib.request.urlopen(f"http://{server.addresses['metrics']}/metrics",
                                timeout=30) as response:
        text = response.read().decode()
    found = re.search(rf'^{name}\{{model="{model}"[^}}]*\}} (\S+)', text, re.M)
    return float(found.group(1)) if found else 0


def pending(server, model):
    return metric(server, "nv_inference_pending_request_count", model)


class Statistics:
    """One model's, as /v2/models/NAME/stats has them."""

    def __init__(self, server, model):
        with urllib.request.urlopen(f"{server.url}/v2/models/{model}/stats",
                                    timeout=30) as response:
            self.whole = json.load(response)["model_stats"][0]
        self.inferences = self.whole["inference_count"]
        self.executions = self.whole["execution_count"]
        self.batches = {each["batch_size"]: each["compute_infer"]["count"]
                        for each in self.whole["batch_stats"]}

    def count(self, kind):
        return self.whole["inference_stats"][kind]["count"]


class Calls:
    """Requests over gRPC that are under way; `order` is that of their answers.

    Each is named by its value, and has `shape` times that in `tensor`, or inputs(value).
    """

    def __init__(self, server, model, tensor="INPUT0", inputs=None):
        self._server, self._inputs = server, inputs
        self._client = triton_grpc.InferenceServerClient(server.grpc)
        self._model, self._tensor = model, tensor
        self._changed = threading.Condition()
        self._contexts = {}
        self.order, self.answers, self.sent = [], {}, 0

    def send(self, value, shape=(1, 1), **options):
        def answered(result, error):
            with self._changed:
                self.answers[value] = result if error is None else error
                self.order.append(value)
                self._changed.notify_all()

        given = (self._inputs(value) if self._inputs
                 else [int32(triton_grpc, self._tensor, np.full(shape, value))])
        self._contexts[value] = self._client.async_infer(self._model, given, answered, **options)
        self.sent += 1

    def queue(self, value, **options):
        """Sends one that has to wait, and waits until it does: the next comes after it."""
        before = pending(self._server, self._model)
        self.send(value, **options)
        wait_until(lambda: pending(self._server, self._model) == before + 1,
                   f"request {value} waits for '{self._model}'")

    def cancel(self, value):
        self._contexts[value].cancel()

    def wait(self, count=None):
        """Until `count` (default: all) were answered; returns the order so far."""
        count = self.sent if count is None else count
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.order) >= count, timeout=60), self.order
            return list(self.order)

    def errors(self):
        return {value: answer for value, answer in self.answers.items()
                if isinstance(answer, InferenceServerException)}


class Gate:
    """While it is shut, no other model runs: its runs hold all lanes until they are cancelled."""

    def __init__(self, server):
        self._calls = Calls(server, "gate")
        with triton_http.InferenceServerClient(server.http) as client:
            client.load_model("gate")
        for number in range(LANES + 1):
            self._calls.send(number)
        # One more than there are lanes: once that one alone waits, the others run.
        wait_until(lambda: metric(server, "sarai_model_in_flight_requests", "gate") == LANES + 1
                   and pending(server, "gate") == 1, "every lane is held")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.open()

    def open(self):
        for number in reversed(range(LANES + 1)):
            self._calls.cancel(number)
