"""The response cache of `sarai instance`: a model that answers at random shows what was not run."""
import numpy as np
import onnx
import pytest
import tritonclient.http as triton
from onnx import TensorProto, helper

from gated import LANES, Calls, Gate, Statistics, write_gate, write_identity


def write_random(repository, name, cached=True):
    (repository / name / "1").mkdir(parents=True)
    (repository / name / "config.pbtxt").write_text(
        f'backend: "onnxruntime"\nmax_batch_size: 8\n'
        f'response_cache {{ enable: {str(cached).lower()} }}\n')
    graph = helper.make_graph(
        [helper.make_node("RandomUniformLike", ["x"], ["y"])], "random",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
              repository / name / "1" / "model.onnx")


def write_ensemble(repository, name, model):
    (repository / name / "1").mkdir(parents=True)
    (repository / name / "config.pbtxt").write_text(f"""
platform: "ensemble" max_batch_size: 8 response_cache {{ enable: true }}
input {{ name: "x" data_type: TYPE_FP32 dims: [4] }}
output {{ name: "y" data_type: TYPE_FP32 dims: [4] }}
ensemble_scheduling {{ step {{ model_name: "{model}" model_version: -1
  input_map {{ key: "x" value: "x" }} output_map {{ key: "y" value: "y" }} }} }}
""")


def ask(client, model, value):
    given = triton.InferInput("x", [1, 4], "FP32")
    given.set_data_from_numpy(np.full((1, 4), value, dtype=np.float32))
    return client.infer(model, [given]).as_numpy("y").tolist()


@pytest.fixture
def repository(tmp_path):
    path = tmp_path / "repository"
    write_random(path, "kept")
    write_random(path, "fresh", cached=False)
    write_ensemble(path, "ensemble", "fresh")
    return path


def test_equal_requests_get_the_answer_of_the_first_and_others_their_own(start_instance,
                                                                        repository):
    server = start_instance("--model-repository", repository, "--cache-config",
                            "local,size=1048576")
    client = triton.InferenceServerClient(server.http)
    for model in ("kept", "ensemble"):
        first = ask(client, model, 1)
        other = ask(client, model, 2)
        assert ask(client, model, 1) == first
        assert ask(client, model, 2) == other != first
    assert ask(client, "fresh", 1) != ask(client, "fresh", 1)


def test_hits_and_misses_are_counted_and_a_hit_is_a_success_without_a_run(start_instance,
                                                                          repository):
    server = start_instance("--model-repository", repository, "--cache-config",
                            "local,size=1048576")
    client = triton.InferenceServerClient(server.http)
    for value in (1, 1, 2, 1):
        ask(client, "kept", value)
    statistics = Statistics(server, "kept")
    assert statistics.count("cache_hit") == statistics.count("cache_miss") == 2
    assert statistics.executions == statistics.count("compute_infer") == 2
    assert statistics.count("success") == 4
    assert statistics.inferences == 2


def test_a_hit_does_not_wait_for_what_runs_or_for_the_order_of_answers(start_instance, tmp_path):
    repository = tmp_path / "repository"
    write_gate(repository)
    write_identity(repository, "m", "dynamic_batching { preserve_ordering: true }"
                   " response_cache { enable: true }", count=LANES)
    server = start_instance("--model-repository", repository, "--lanes", LANES, "--cache-config",
                            "local,size=1048576")
    calls = Calls(server, "m")
    calls.send(1)
    calls.wait()
    with Gate(server):
        calls.queue(2)
        again = Calls(server, "m")
        again.send(1)
        assert again.wait() == [1]
        assert calls.order == [1]
    calls.wait()
    assert not calls.errors() and not again.errors()


def test_a_reload_begins_with_nothing(start_instance, repository):
    server = start_instance("--model-repository", repository, "--response-cache-byte-size",
                            "1048576")
    client = triton.InferenceServerClient(server.http)
    ask(client, "kept", 0)  # a load begins the same series of numbers anew
    second = ask(client, "kept", 1)
    client.unload_model("kept")
    client.load_model("kept")
    assert ask(client, "kept", 1) != second


def test_without_a_cache_every_request_runs(start_instance, repository):
    client = triton.InferenceServerClient(start_instance("--model-repository", repository).http)
    assert ask(client, "kept", 1) != ask(client, "kept", 1)
