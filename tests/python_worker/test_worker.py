"""The process of a Python model, asked by the test in Sarai's place."""
import json
import sys

import numpy as np
import pytest

from sarai_side import Side, read_response  # noqa: F401
from sarai_python.data_types import BF16
from sarai_python.errors import Code, WorkerError
from sarai_python.tensor import Tensor
from sarai_python.wire import Kind, Writer

HEAD = "import numpy as np\nimport triton_python_backend_utils as pb_utils\n"
IDENTITY = HEAD + """
class TritonPythonModel:
    def execute(self, requests):
        return [pb_utils.InferenceResponse([pb_utils.Tensor("out", t.as_numpy())
                                            for t in request.inputs()]) for request in requests]
"""

ARRAYS = [np.array([[True, False]]), np.arange(6, dtype=np.uint8).reshape(2, 3),
          np.arange(4, dtype=np.uint16), np.arange(4, dtype=np.uint32),
          np.arange(4, dtype=np.uint64), np.arange(4, dtype=np.int8), np.arange(4, dtype=np.int16),
          np.arange(4, dtype=np.int32), np.arange(4, dtype=np.int64),
          np.arange(4, dtype=np.float16), np.arange(4, dtype=np.float32), np.array(2.5),
          np.zeros((0, 3), dtype=np.float32), np.arange(100_000, dtype=np.float32),
          np.array([[b"a", b""], [b"\x00\xff", "ü".encode()]], dtype=np.object_),
          np.array([], dtype=np.object_)]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype}{list(a.shape)}")
def test_every_type_and_shape_goes_there_and_back(start, array):
    (answer,) = start(IDENTITY).start().answers([Tensor("in", array)])
    assert answer["out"].as_numpy().dtype == array.dtype
    assert answer["out"].as_numpy().shape == array.shape
    assert answer["out"].as_numpy().tolist() == array.tolist()


def test_bfloat16_goes_by_dlpack(start):
    bits = np.array([0x3F80, 0x4000], dtype=np.uint16)
    side = start(HEAD + """
class TritonPythonModel:
    def execute(self, requests):
        tensor = requests[0].inputs()[0]
        try:
            tensor.as_numpy()
        except pb_utils.TritonModelException as error:
            assert "BF16" in str(error)
            return [pb_utils.InferenceResponse(
                [pb_utils.Tensor.from_dlpack("out", tensor.to_dlpack())])]
""").start()
    (answer,) = side.answers([Tensor.of_type("in", BF16, bits)])
    assert answer["out"].triton_dtype() == BF16 and answer["out"].shape() == [2]
    assert bytes(answer["out"].to_bytes()) == bits.tobytes()


def test_inputs_may_be_changed_in_place_and_kept(start):
    side = start(HEAD + """
class TritonPythonModel:
    def initialize(self, args):
        self.kept = []
    def execute(self, requests):
        array = requests[0].inputs()[0].as_numpy()
        array += 1
        self.kept.append(array)
        return [pb_utils.InferenceResponse([pb_utils.Tensor("out", np.concatenate(self.kept))])]
""").start()
    side.answers([Tensor("in", np.array([1.0]))])
    (answer,) = side.answers([Tensor("in", np.array([5.0]))])
    assert answer["out"].as_numpy().tolist() == [2.0, 6.0]


def test_a_request_says_all_that_sarai_says_of_it(start):
    side = start(HEAD + """
import json
class TritonPythonModel:
    def execute(self, requests):
        r = requests[0]
        said = [r.request_id(), r.correlation_id(), r.flags(), r.priority(), r.timeout(),
                r.requested_output_names(), json.loads(r.parameters()), r.is_cancelled(),
                r.trace().get_context()]
        return [pb_utils.InferenceResponse(
            [pb_utils.Tensor("out", np.array([json.dumps(said)], dtype=object))])]
""").start()
    attributes = {"id": "r1", "correlation_id": "s", "flags": 3, "priority": 2, "timeout": 7,
                  "outputs": ["out"], "parameters": {"a": 1, "b": "x", "c": True, "d": 0.5}}
    (answer,) = side.answers(([], attributes))
    assert json.loads(answer["out"].as_numpy()[0]) == [
        "r1", "s", 3, 2, 7, ["out"], {"a": 1, "b": "x", "c": True, "d": 0.5}, False, None]


def test_requests_of_a_run_get_answers_and_errors_of_their_own(start):
    side = start(HEAD + """
class TritonPythonModel:
    def execute(self, requests):
        responses = []
        for request in requests:
            value = request.inputs()[0].as_numpy()
            if value[0] < 0:
                responses.append(pb_utils.InferenceResponse(error=pb_utils.TritonError(
                    "negative", pb_utils.TritonError.INVALID_ARG)))
            else:
                responses.append(pb_utils.InferenceResponse([pb_utils.Tensor("out", value * 2)]))
        return responses
""").start()
    first, second, third = side.answers(*([Tensor("in", np.array([v]))] for v in (1.0, -1.0, 3.0)))
    assert first["out"].as_numpy().tolist() == [2.0]
    assert (second.code, second.message) == (Code.INVALID_ARGUMENT, "negative")
    assert third["out"].as_numpy().tolist() == [6.0]


def test_an_exception_fails_its_run_and_the_process_lives_on(start):
    side = start(HEAD + """
class TritonPythonModel:
    def execute(self, requests):
        if requests[0].inputs()[0].as_numpy()[0] < 0:
            raise ValueError("no negatives")
        return [pb_utils.InferenceResponse([pb_utils.Tensor("out", np.array([1]))])]
""").start()
    for error in side.answers([Tensor("in", np.array([-1]))], [Tensor("in", np.array([1]))]):
        assert error.message == ("Failed to process the request(s) for model 'm', message: "
                                 "ValueError: no negatives (model.py, line 7, in execute)")
    assert "ValueError: no negatives" in side.log()
    (answer,) = side.answers([Tensor("in", np.array([1]))])
    assert answer["out"].as_numpy().tolist() == [1]


@pytest.mark.parametrize("body, error", [
    ("return []", "execute returned 0 responses to 1 requests"),
    ("return None", "its response sender was not taken"),
    ("return ['x']", "must return a list of pb_utils.InferenceResponse, this is a str"),
    ("pb_utils.Tensor('out', np.array([1j]))", "no type of a model is numpy's complex128"),
])
def test_what_execute_must_not_do(start, body, error):
    side = start(HEAD + f"""
class TritonPythonModel:
    def execute(self, requests):
        {body}
""").start()
    (answer,) = side.answers([])
    assert error in answer.message


@pytest.mark.parametrize("source, error", [
    ("class TritonPythonModel:\n  def execute(self, requests:\n", "(model.py, line 2)"),
    ("x = 1\n", "has no class TritonPythonModel"),
    ("class TritonPythonModel:\n  pass\n", "has no method execute"),
    ("import no_such_module\n",
     "ModuleNotFoundError: No module named 'no_such_module' (model.py, line 1)"),
    ("raise SystemExit(3)\n", "SystemExit: 3 (model.py, line 1)"),
])
def test_a_file_that_is_no_model_says_why_and_where(start, source, error):
    side = start(source)
    with pytest.raises(WorkerError) as raised:
        side.load()
    assert error in raised.value.message


def test_an_exception_in_initialize_says_where(start):
    side = start("""
class TritonPythonModel:
    def initialize(self, args):
        open("/no/such/file")
    def execute(self, requests):
        return []
""")
    with pytest.raises(WorkerError, match=r"initialize failed: FileNotFoundError.*\(model.py, line "
                                          r"4, in initialize\)"):
        side.start()


def test_initialize_gets_tritons_arguments_and_the_module_finds_its_neighbours(start):
    side = start("""
import helper
from . import helper as same
import triton_python_backend_utils as pb_utils
class TritonPythonModel:
    def initialize(self, args):
        assert helper.VALUE == same.VALUE == 5
        print(sorted(args.items()), pb_utils.get_model_dir())
    def execute(self, requests):
        return []
""")
    (side.file.parent / "helper.py").write_text("VALUE = 5\n")
    side.start()
    for text in ("('model_name', 'm')", "('model_version', '1')", "('model_instance_kind', 'CPU')",
                 "('model_instance_device_id', '0')", "('model_instance_name', 'm_0_0')",
                 f"('model_repository', '{side.file.parents[1]}')", str(side.file.parent),
                 " INFO  python: m: "):
        assert text in side.log()


def test_auto_complete_completes_and_does_not_contradict(start):
    source = """
class TritonPythonModel:
    @staticmethod
    def auto_complete_config(config):
        config.add_input({"name": "a", "data_type": "TYPE_FP32", "dims": [4]})
        config.add_output({"name": "b", "data_type": "TYPE_INT64", "dims": [-1]})
        config.set_max_batch_size(8)
        config.set_dynamic_batching()
        config.set_model_transaction_policy({"decoupled": True})
        return config
    def execute(self, requests):
        return []
"""
    done = json.loads(start(source).load('{"name": "m"}', complete=True))
    assert done["input"] == [{"name": "a", "data_type": "TYPE_FP32", "dims": [4]}]
    assert done["max_batch_size"] == 8 and done["dynamic_batching"] == {}
    assert done["model_transaction_policy"] == {"decoupled": True}
    given = {"name": "m", "input": [{"name": "a", "data_type": "TYPE_FP32", "dims": [5]}]}
    with pytest.raises(WorkerError, match=r"dims \[4\], but the configuration says \[5\]"):
        start(source).load(json.dumps(given), complete=True)


DECOUPLED = json.dumps({"name": "m", "model_transaction_policy": {"decoupled": True}})


def test_a_decoupled_model_answers_as_often_as_it_likes(start):
    side = start(HEAD + """
class TritonPythonModel:
    def execute(self, requests):
        for request in requests:
            sender = request.get_response_sender()
            for i in range(int(request.inputs()[0].as_numpy()[0])):
                sender.send(pb_utils.InferenceResponse([pb_utils.Tensor("out", np.array([i]))]))
            sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
""").start(DECOUPLED)
    run, numbers = side.run([Tensor("in", np.array([2]))], [Tensor("in", np.array([0]))])
    found = side.responses(run)
    assert [(final, {n: t.as_numpy().tolist() for n, t in out.items()})
            for final, out in found[numbers[0]]] == [
                (False, {"out": [0]}), (False, {"out": [1]}), (True, {})]
    assert found[numbers[1]] == [(True, {})]


def test_a_dropped_sender_ends_its_request_with_an_error(start):
    side = start(HEAD + """
class TritonPythonModel:
    def execute(self, requests):
        requests[0].get_response_sender()
""").start(DECOUPLED)
    run, numbers = side.run([])
    found = side.responses(run)
    if not found:  # the run may be done before the request is dropped
        number, answer = read_response(side.calls.receive())
        found = {number: [answer]}
    final, error = found[numbers[0]][0]
    assert final and "dropped its response sender" in error.message


@pytest.mark.parametrize("config", [DECOUPLED, '{"name": "m"}'])
def test_execute_may_be_a_coroutine(start, config):
    decoupled = config == DECOUPLED
    side = start(HEAD + f"""
import asyncio
class TritonPythonModel:
    async def execute(self, requests):
        await asyncio.get_running_loop().run_in_executor(None, int)
        response = pb_utils.InferenceResponse([pb_utils.Tensor("out", np.array([7]))])
        if {decoupled}:
            requests[0].get_response_sender().send(response, flags=1)
        else:
            return [response]
""").start(config)
    run, numbers = side.run([])
    found = side.responses(run)
    while not found:  # a decoupled one may end after its run
        number, answer = read_response(side.calls.receive())
        found = {number: [answer]}
    final, out = found[numbers[0]][0]
    assert final and out["out"].as_numpy().tolist() == [7]


def test_cancellation_reaches_the_model(start):
    side = start(HEAD + """
import time
class TritonPythonModel:
    def execute(self, requests):
        sender = requests[0].get_response_sender()
        sender.send(pb_utils.InferenceResponse([pb_utils.Tensor("out", np.array([0]))]))
        while not sender.is_cancelled() or not requests[0].is_cancelled():
            time.sleep(0.001)  # poll: the model is told by no event
        sender.send(flags=1)
""").start(DECOUPLED)
    run, (number,) = side.run([])
    read_response(side.calls.receive())
    side.events.send(Kind.CANCEL, number)
    assert side.responses(run)[number] == [(True, {})]


CALLER = HEAD + """
import asyncio
class TritonPythonModel:
    def call(self, request):
        return pb_utils.InferenceRequest(model_name="other", requested_output_names=["o"],
                                         inputs=request.inputs())
    %s
"""


def answer_call(side, tensors, final=True, error=None, number=None):
    """Reads the call, unless its number is given, and answers it."""
    if number is None:
        packet = side.calls.receive()
        assert packet.kind == Kind.CALL
        number = packet.number
        packet.reader.u8()
        assert packet.reader.text() == "other"
    writer = Writer()
    writer.u8(int(final))
    if error:
        writer.status(Code.NOT_FOUND, error)
    else:
        writer.status()
        writer.parameters({})
        writer.tensors(tensors)
    side.events.send(Kind.CALL_RESPONSE, number, writer)
    return number


def test_a_model_calls_another(start):
    side = start(CALLER % """
    def execute(self, requests):
        response = self.call(requests[0]).exec()
        if response.has_error():
            raise pb_utils.TritonModelException(response.error().message())
        return [pb_utils.InferenceResponse(response.output_tensors())]
""").start()
    run, (number,) = side.run([Tensor("in", np.array([1]))])
    answer_call(side, [Tensor("o", np.array([9]))])
    assert side.responses(run)[number][0][1]["o"].as_numpy().tolist() == [9]
    run, (number,) = side.run([Tensor("in", np.array([1]))])
    answer_call(side, [], error="no such model")
    assert "TritonModelException: no such model" in side.responses(run)[number][0][1].message


def test_a_model_calls_others_at_once(start):
    side = start(CALLER % """
    async def execute(self, requests):
        first, second = await asyncio.gather(self.call(requests[0]).async_exec(),
                                             self.call(requests[0]).async_exec())
        return [pb_utils.InferenceResponse([pb_utils.Tensor("out", sum(
            r.output_tensors()[0].as_numpy() for r in (first, second)))])]
""").start()
    run, (number,) = side.run([Tensor("in", np.array([1]))])
    calls = [side.calls.receive() for _ in range(2)]
    for value, call in enumerate(reversed(calls)):
        answer_call(side, [Tensor("o", np.array([10 + value]))], number=call.number)
    assert side.responses(run)[number][0][1]["out"].as_numpy().tolist() == [21]


def test_a_model_reads_the_responses_of_a_decoupled_one(start):
    side = start(CALLER % """
    def execute(self, requests):
        parts = [r.output_tensors()[0].as_numpy()
                 for r in self.call(requests[0]).exec(decoupled=True)]
        return [pb_utils.InferenceResponse([pb_utils.Tensor("out", np.concatenate(parts))])]
""").start()
    run, (number,) = side.run([Tensor("in", np.array([1]))])
    call = answer_call(side, [Tensor("o", np.array([1]))], final=False)
    answer_call(side, [Tensor("o", np.array([2]))], final=False, number=call)
    answer_call(side, [], final=True, number=call)
    assert side.responses(run)[number][0][1]["out"].as_numpy().tolist() == [1, 2]


def test_finalize_ends_the_process(start):
    side = start("""
class TritonPythonModel:
    def execute(self, requests):
        return []
    def finalize(self):
        print("cleaned up")
""").start()
    side.ask(Kind.FINALIZE)
    assert side.popen.wait(timeout=30) == 0
    assert "python: m: cleaned up" in side.log()


def test_an_interpreter_without_numpy_says_so(start, tmp_path):
    environment = tmp_path / "environment"
    (environment / "bin").mkdir(parents=True)
    python = environment / "bin" / "python"
    python.write_text(f"#!/bin/sh\nexec '{sys.executable}' -S -I \"$@\"\n")
    python.chmod(0o755)
    side = start(IDENTITY, environment=str(environment))
    with pytest.raises(WorkerError, match="has no numpy"):
        side.result()


def test_an_environment_may_be_an_archive(start, tmp_path, monkeypatch):
    import tarfile
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    folder = tmp_path / "environment"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text(f"#!/bin/sh\nMARK=archive exec '{sys.executable}' "
                                           "\"$@\"\n")
    (folder / "bin" / "python").chmod(0o755)
    with tarfile.open(tmp_path / "environment.tar.gz", "w:gz") as tar:
        tar.add(folder / "bin", arcname="bin")
    side = start(IDENTITY + "\nimport os\nprint('MARK', os.environ['MARK'])\n",
                 environment=str(tmp_path / "environment.tar.gz")).start()
    assert "MARK archive" in side.log()


def test_an_environment_that_is_not_there_is_named(start):
    side = start(IDENTITY, environment="/no/such/environment")
    with pytest.raises(WorkerError, match="EXECUTION_ENV_PATH: '/no/such/environment'"):
        side.result()
