"""Ensembles behind `sarai instance`, driven by Triton's own clients."""
import concurrent.futures
import queue
import shutil

import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from gated import LANES, Calls, Gate, write_gate, write_identity as write_int32_identity
from testkit.example_models import write_model
from testkit.models import onnx_answer


def tensor(keyword, name, kind, dims):
    return f'{keyword} {{ name: "{name}" data_type: TYPE_{kind} dims: {list(dims)} }}\n'


def write_identity(repository, name, dims=(16,), max_batch_size=8):
    write_model(repository, name, f'backend: "identity"\nmax_batch_size: {max_batch_size}\n'
                + tensor("input", "INPUT0", "FP32", dims)
                + tensor("output", "OUTPUT0", "FP32", dims))


def step(model, inputs, outputs):
    maps = [f'{kind} {{ key: "{key}" value: "{value}" }}' for kind, entries in
            (("input_map", inputs), ("output_map", outputs)) for key, value in entries.items()]
    return f'step {{ model_name: "{model}" model_version: -1 {" ".join(maps)} }}\n'


def write_ensemble(repository, name, tensors, steps, max_batch_size=8):
    write_model(repository, name, f'platform: "ensemble"\nmax_batch_size: {max_batch_size}\n'
                + "".join(tensors) + "ensemble_scheduling {\n" + "".join(steps) + "}\n")


@pytest.fixture
def repository(tmp_path, zoo):
    path = tmp_path / "repository"
    path.mkdir()
    shutil.copytree(zoo.folder("onnx", 1), path / "mlp")
    write_identity(path, "before")
    write_ensemble(path, "pipeline",
                   [tensor("input", "RAW", "FP32", (16,)), tensor("output", "SCORES", "FP32", (4,)),
                    tensor("output", "COPY", "FP32", (16,))],
                   [step("mlp", {"input": "PREPARED"}, {"output": "SCORES"}),
                    step("before", {"INPUT0": "RAW"}, {"OUTPUT0": "PREPARED"}),
                    step("before", {"INPUT0": "PREPARED"}, {"OUTPUT0": "COPY"})])
    return path


def ask(client, model, values, name="RAW", outputs=None, **more):
    given = triton.InferInput(name, list(values.shape), "FP32")
    given.set_data_from_numpy(values)
    asked = [triton.InferRequestedOutput(output) for output in outputs] if outputs else None
    return client.infer(model, [given], outputs=asked, **more)


def test_a_request_runs_through_all_steps_whose_models_are_loaded_on_demand(
        start_instance, repository):
    client = triton.InferenceServerClient(start_instance("--model-repository", repository).http)
    values = np.random.default_rng(1).random((3, 16), dtype=np.float32)
    result = ask(client, "pipeline", values, request_id="r-1")
    expected = onnx_answer(repository / "mlp" / "1" / "model.onnx", values)
    np.testing.assert_allclose(result.as_numpy("SCORES"), expected, rtol=1e-5)
    np.testing.assert_array_equal(result.as_numpy("COPY"), values)
    assert result.get_response()["id"] == "r-1"
    assert client.get_model_metadata("pipeline")["platform"] == "ensemble"
    assert len(client.get_model_config("pipeline")["ensemble_scheduling"]["step"]) == 3


def test_only_the_outputs_that_were_asked_for_come(start_instance, repository):
    client = triton.InferenceServerClient(start_instance("--model-repository", repository).http)
    result = ask(client, "pipeline", np.ones((1, 16), dtype=np.float32), outputs=["COPY"])
    assert [output["name"] for output in result.get_response()["outputs"]] == ["COPY"]
    index = {model["name"]: model.get("state") for model in client.get_model_repository_index()}
    assert index["before"] == "READY"
    assert index["mlp"] != "READY"


def test_many_clients_at_once_each_get_their_own_answer(start_instance, repository):
    server = start_instance("--model-repository", repository)
    path = repository / "mlp" / "1" / "model.onnx"

    def run(seed):
        client = triton.InferenceServerClient(server.http)
        values = np.random.default_rng(seed).random((1 + seed % 3, 16), dtype=np.float32)
        for _ in range(20):
            result = ask(client, "pipeline", values)
            np.testing.assert_array_equal(result.as_numpy("COPY"), values)
            np.testing.assert_allclose(result.as_numpy("SCORES"), onnx_answer(path, values),
                                       rtol=1e-5)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(8)))


def test_what_is_wrong_is_said_with_the_step(start_instance, repository):
    write_ensemble(repository, "missing",
                   [tensor("input", "RAW", "FP32", (16,)), tensor("output", "OUT", "FP32", (16,))],
                   [step("absent", {"INPUT0": "RAW"}, {"OUTPUT0": "OUT"})])
    write_ensemble(repository, "circle",
                   [tensor("input", "RAW", "FP32", (16,)), tensor("output", "OUT", "FP32", (16,))],
                   [step("circle", {"RAW": "RAW"}, {"OUT": "OUT"})])
    client = triton.InferenceServerClient(start_instance("--model-repository", repository).http)
    values = np.ones((1, 16), dtype=np.float32)
    with pytest.raises(InferenceServerException, match="step 0 .model 'absent'."):
        ask(client, "missing", values)
    with pytest.raises(InferenceServerException, match="circle"):
        ask(client, "circle", values)
    with pytest.raises(InferenceServerException, match="unexpected shape for input"):
        ask(client, "pipeline", np.ones((1, 7), dtype=np.float32))


def test_an_optional_input_that_is_left_out_is_left_out_for_the_step(start_instance, repository):
    write_model(repository, "either", 'backend: "identity"\nmax_batch_size: 8\n'
                + tensor("input", "INPUT0", "FP32", (2,))
                + tensor("input", "INPUT1", "FP32", (2,)).replace("}", "optional: true }")
                + tensor("output", "OUTPUT0", "FP32", (2,))
                + tensor("output", "OUTPUT1", "FP32", (2,)))
    write_ensemble(repository, "choice",
                   [tensor("input", "RAW", "FP32", (2,)),
                    tensor("input", "MORE", "FP32", (2,)).replace("}", "optional: true }"),
                    tensor("output", "A", "FP32", (2,)), tensor("output", "B", "FP32", (2,))],
                   [step("either", {"INPUT0": "RAW", "INPUT1": "MORE"},
                         {"OUTPUT0": "A", "OUTPUT1": "B"})])
    client = triton.InferenceServerClient(start_instance("--model-repository", repository).http)
    values = np.ones((1, 2), dtype=np.float32)
    assert ask(client, "choice", values).as_numpy("B").tolist() == [[0, 0]]
    inputs = [triton.InferInput(name, [1, 2], "FP32") for name in ("RAW", "MORE")]
    for given in inputs:
        given.set_data_from_numpy(values)
    assert client.infer("choice", inputs).as_numpy("B").tolist() == [[1, 1]]


def test_an_error_inside_a_step_names_the_step(start_instance, repository):
    write_gate(repository)
    write_int32_identity(repository, "full", "dynamic_batching { default_queue_policy {"
                   " max_queue_size: 1 } }")
    write_ensemble(repository, "pipe", [tensor("input", "I", "INT32", (1,)),
                                        tensor("output", "O", "INT32", (1,))],
                   [step("full", {"INPUT0": "I"}, {"OUTPUT0": "O"})], max_batch_size=1)
    server = start_instance("--model-repository", repository, "--lanes", LANES)
    with triton.InferenceServerClient(server.http) as client:
        client.load_model("pipe")
        client.load_model("full")
    direct, through = Calls(server, "full"), Calls(server, "pipe", "I")
    with Gate(server):
        direct.queue(0)
        through.send(1)
        through.wait()
    direct.wait()
    error = through.errors()[1]
    assert error.status() == "StatusCode.UNAVAILABLE"
    for part in ("in ensemble 'pipe'", "step 0 (model 'full')", "Exceeds maximum queue size"):
        assert part in error.message()


def test_steps_run_again_after_their_model_was_unloaded_and_loaded(start_instance, repository):
    client = triton.InferenceServerClient(start_instance("--model-repository", repository).http)
    values = np.ones((1, 16), dtype=np.float32)
    ask(client, "pipeline", values)
    client.unload_model("before")
    with pytest.raises(InferenceServerException, match="step 1 .model 'before'.*was unloaded"):
        ask(client, "pipeline", values)
    client.load_model("before")
    np.testing.assert_array_equal(ask(client, "pipeline", values).as_numpy("COPY"), values)


@pytest.mark.parametrize("inputs,outputs,says", [
    ({"INPUT0": "RAW"}, {"OUTPUT0": "OTHER"}, "no step produces output 'OUT'"),
    ({"INPUT0": "OUT"}, {"OUTPUT0": "OUT"}, "can never start")])
def test_maps_that_lead_nowhere_are_refused(start_instance, repository, inputs, outputs, says):
    write_ensemble(repository, "wrong", [tensor("input", "RAW", "FP32", (16,)),
                                         tensor("output", "OUT", "FP32", (16,))],
                   [step("before", inputs, outputs)])
    client = triton.InferenceServerClient(start_instance("--model-repository", repository).http)
    with pytest.raises(InferenceServerException, match=says):
        client.load_model("wrong")


def test_a_decoupled_step_makes_the_ensemble_stream(start_instance, repository):
    write_model(repository, "repeat", 'backend: "repeat"\n'
                'model_transaction_policy { decoupled: true }\n'
                + tensor("input", "IN", "INT32", (-1,))
                + tensor("input", "DELAY", "UINT32", (-1,))
                + tensor("input", "WAIT", "UINT32", (1,)) + tensor("output", "OUT", "INT32", (1,))
                + tensor("output", "IDX", "UINT32", (1,)))
    write_model(repository, "after", 'backend: "identity"\n'
                + tensor("input", "INPUT0", "INT32", (1,))
                + tensor("output", "OUTPUT0", "INT32", (1,)))
    write_ensemble(repository, "stream",
                   [tensor("input", "IN", "INT32", (-1,)),
                    tensor("input", "DELAY", "UINT32", (-1,)),
                    tensor("input", "WAIT", "UINT32", (1,)),
                    tensor("output", "OUT", "INT32", (1,))],
                   [step("repeat", {"IN": "IN", "DELAY": "DELAY", "WAIT": "WAIT"}, {"OUT": "MID"}),
                    step("after", {"INPUT0": "MID"}, {"OUTPUT0": "OUT"})], max_batch_size=0)
    server = start_instance("--model-repository", repository)
    client = triton_grpc.InferenceServerClient(server.grpc)
    answers = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)))
    count = 12
    inputs = []
    for name, kind, value in (("IN", "INT32", np.arange(count, dtype=np.int32)),
                              ("DELAY", "UINT32", np.zeros(count, dtype=np.uint32)),
                              ("WAIT", "UINT32", np.zeros(1, dtype=np.uint32))):
        given = triton_grpc.InferInput(name, list(value.shape), kind)
        given.set_data_from_numpy(value)
        inputs.append(given)
    client.async_stream_infer("stream", inputs, enable_empty_final_response=True)
    values, final = [], False
    while not final:
        result, error = answers.get(timeout=60)
        assert error is None, error
        response = result.get_response()
        final = response.parameters["triton_final_response"].bool_param
        if response.outputs:
            values.extend(result.as_numpy("OUT").tolist())
    client.stop_stream()
    assert values == list(range(count))
