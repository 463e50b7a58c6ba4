"""KServe v2 at `sarai serve`: Triton's clients reach every model of an endpoint."""
import json
import os
import queue
import signal
import threading
import urllib.request

import grpc
import numpy as np
import pytest
import requests
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tritonclient.utils import InferenceServerException

from test_faults import children
from test_grpc import repeat_inputs, write_repeat
from testkit import models, sequence_models
from testkit.sarai import create_endpoint, first_output, kserve_json
from waiting import wait_until

ENDPOINT = "many"
KEYS = {"1.tar.gz": ("onnx", 1), "2.tar.gz": ("onnx", 2), "deep/down/3.tar.gz": ("onnx", 3),
        "pt.tar.gz": ("pt", 1)}


def http_client(serve, path=f"/endpoints/{ENDPOINT}"):
    return triton_http.InferenceServerClient(serve.http + path, network_timeout=90)


def grpc_client(serve):
    return triton_grpc.InferenceServerClient(serve.grpc)


CLIENTS = [(triton_http, http_client), (triton_grpc, grpc_client)]


def infer(kind, client, zoo, key, **arguments):
    framework = KEYS[key][0]
    tensor = kind.InferInput(zoo.INPUTS[framework], list(zoo.x.shape), "FP32")
    tensor.set_data_from_numpy(zoo.x)
    result = client.infer(key, [tensor], **arguments)
    response = result.get_response()
    output = (response["outputs"][0]["name"] if kind is triton_http else response.outputs[0].name)
    return result.as_numpy(output)


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """Archives of a model with state and of a decoupled one."""
    scratch = tmp_path_factory.mktemp("packed")
    sequence_models.write_simple_sequence(scratch / "sum")
    write_repeat(scratch)
    return {name: models.pack(scratch / name, scratch / f"{name}.tar.gz")
            for name in ("sum", "repeat")}


@pytest.fixture
def serve(start_serve, bucket, zoo, packed):
    client, name = bucket
    for key, (framework, number) in KEYS.items():
        client.upload_file(str(zoo.archive(framework, number)), name, key)
    for key, archive in packed.items():
        client.upload_file(str(archive), name, f"{key}.tar.gz")
    serve = start_serve("--instance-memory", "1GiB", "--instance-disk", "1GiB")
    create_endpoint(serve.client("sagemaker"), ENDPOINT, f"s3://{name}/", instances=2)
    return serve


def invoke(serve, zoo, key):
    response = serve.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=ENDPOINT, TargetModel=key,
        Body=kserve_json(zoo.INPUTS[KEYS[key][0]], zoo.x))
    return first_output(response["Body"].read())


@pytest.mark.parametrize("kind, connect", CLIENTS)
def test_every_model_answers_as_invoke_does(serve, zoo, kind, connect):
    client = connect(serve)
    assert client.is_server_live() and client.is_server_ready()
    for key in KEYS:
        np.testing.assert_allclose(infer(kind, client, zoo, key), invoke(serve, zoo, key),
                                   rtol=1e-5, atol=1e-6)
        assert client.is_model_ready(key)
        metadata = client.get_model_metadata(key)
        name = metadata["inputs"][0]["name"] if kind is triton_http else metadata.inputs[0].name
        assert name == zoo.INPUTS[KEYS[key][0]]
        assert client.get_model_config(key)
        assert client.get_inference_statistics(key)


@pytest.mark.parametrize("kind, connect", CLIENTS)
def test_the_repository_index_has_what_the_instances_know(serve, zoo, kind, connect):
    client = connect(serve)
    for key in KEYS:
        infer(kind, client, zoo, key)
    index = client.get_model_repository_index()
    rows = index if kind is triton_http else [
        {"name": row.name, "state": row.state} for row in index.models]
    ready = {row["name"] for row in rows if row["state"] == "READY"}
    assert ready == set(KEYS)
    statistics = client.get_inference_statistics()
    names = ([row["name"] for row in statistics["model_stats"]] if kind is triton_http
             else [row.name for row in statistics.model_stats])
    assert set(names) == set(KEYS)


@pytest.mark.parametrize("kind, connect", CLIENTS)
def test_a_load_is_a_prefetch(serve, zoo, kind, connect):
    client = connect(serve)
    client.load_model("1.tar.gz")
    assert client.is_model_ready("1.tar.gz")
    with pytest.raises(InferenceServerException, match="unload models by themselves"):
        client.unload_model("1.tar.gz")
    with pytest.raises(InferenceServerException, match="takes no 'config'"):
        client.load_model("1.tar.gz", config="{}")


@pytest.mark.parametrize("kind, connect", CLIENTS)
def test_what_is_unknown_is_said(serve, zoo, kind, connect):
    client = connect(serve)
    tensor = kind.InferInput("input", [1, 16], "FP32")
    tensor.set_data_from_numpy(zoo.x[:1])
    with pytest.raises(InferenceServerException, match="missing.tar.gz"):
        client.infer("missing.tar.gz", [tensor])
    wrong = kind.InferInput("nothing", [1, 16], "FP32")
    wrong.set_data_from_numpy(zoo.x[:1])
    with pytest.raises(InferenceServerException, match="nothing"):
        client.infer("1.tar.gz", [wrong])
    with pytest.raises(InferenceServerException, match="Endpoint other of account"):
        client.infer("1.tar.gz", [tensor], headers={"sarai-endpoint": "other"}) \
            if kind is triton_grpc else http_client(serve, "/endpoints/other").infer(
                "1.tar.gz", [tensor])
    with pytest.raises(InferenceServerException, match="not served at an endpoint"):
        client.get_system_shared_memory_status()


def test_with_one_endpoint_clients_need_not_name_it(serve, zoo):
    client = http_client(serve, "")
    np.testing.assert_allclose(infer(triton_http, client, zoo, "1.tar.gz"),
                               zoo.expected("onnx", 1), rtol=1e-5, atol=1e-6)
    create_endpoint(serve.client("sagemaker"), "second", "s3://anything/", wait=False)
    second = f"{serve.url}/endpoints/second/v2/health/live"
    wait_until(lambda: requests.get(second, timeout=60).status_code != 404, "its first instance")
    for kind, other in ((triton_http, client), (triton_grpc, grpc_client(serve))):
        with pytest.raises(InferenceServerException, match="there are 2 endpoints"):
            infer(kind, other, zoo, "1.tar.gz")
        infer(kind, other, zoo, "1.tar.gz", headers={"sarai-endpoint": ENDPOINT})


@pytest.mark.parametrize("kind, connect", CLIENTS)
def test_models_make_room_for_each_other(start_serve, bucket, zoo, kind, connect):
    store, name = bucket
    keys = [f"{number}.tar.gz" for number in (1, 2, 3)]
    for number, key in enumerate(keys, 1):
        store.upload_file(str(zoo.archive("onnx", number)), name, key)
    serve = start_serve("--instance-memory", "3MiB", "--instance-disk", "1GiB")
    create_endpoint(serve.client("sagemaker"), ENDPOINT, f"s3://{name}/")
    client = connect(serve)
    for _ in range(3):
        for number, key in enumerate(keys, 1):
            tensor = kind.InferInput("input", list(zoo.x.shape), "FP32")
            tensor.set_data_from_numpy(zoo.x)
            np.testing.assert_allclose(client.infer(key, [tensor]).as_numpy("output"),
                                       zoo.expected("onnx", number), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind, connect", CLIENTS)
def test_the_one_model_of_an_endpoint_goes_by_its_archives_name(start_serve, bucket, zoo, kind,
                                                                connect):
    store, name = bucket
    store.upload_file(str(zoo.archive("onnx", 1)), name, "deep/1.tar.gz")
    serve = start_serve()
    create_endpoint(serve.client("sagemaker"), ENDPOINT, f"s3://{name}/deep/1.tar.gz",
                    mode="SingleModel")
    np.testing.assert_allclose(infer(kind, connect(serve), zoo, "1.tar.gz"),
                               zoo.expected("onnx", 1), rtol=1e-5, atol=1e-6)


def everyone_answers(serve):
    instances = serve.get("/sarai/v1/explain?model=1.tar.gz")["instances"]
    return instances and all("error" not in instance for instance in instances)


@pytest.mark.parametrize("kind, connect", CLIENTS)
def test_a_killed_instance_fails_no_request(serve, zoo, kind, connect):
    client = connect(serve)
    infer(kind, client, zoo, "1.tar.gz")
    for pid in children(serve.pid):
        os.kill(pid, signal.SIGKILL)
        np.testing.assert_allclose(infer(kind, client, zoo, "1.tar.gz"), zoo.expected("onnx", 1),
                                   rtol=1e-5, atol=1e-6)
        wait_until(lambda: everyone_answers(serve), "both instances to answer again")


@pytest.mark.parametrize("kind, connect", CLIENTS)
def test_when_all_instances_are_killed_at_once_a_request_waits_for_one(serve, zoo, kind, connect):
    client = connect(serve)
    infer(kind, client, zoo, "1.tar.gz")
    for pid in children(serve.pid):
        os.kill(pid, signal.SIGKILL)
    np.testing.assert_allclose(infer(kind, client, zoo, "1.tar.gz"), zoo.expected("onnx", 1),
                               rtol=1e-5, atol=1e-6)


def counts(kind, statistics):
    rows = statistics["model_stats"] if kind is triton_http else statistics.model_stats
    return [int(row["inference_count"] if kind is triton_http else row.inference_count)
            for row in rows]


@pytest.mark.parametrize("kind, connect", CLIENTS)
def test_statistics_are_the_sum_over_the_instances(serve, zoo, kind, connect):
    client = connect(serve)
    infer(kind, client, zoo, "1.tar.gz")
    instances = serve.get("/sarai/v1/explain?model=1.tar.gz")["instances"]
    for instance in instances:  # so that both hold it
        direct = triton_http.InferenceServerClient(instance["address"].removeprefix("http://"))
        infer(triton_http, direct, zoo, "1.tar.gz")
    assert len(instances) == 2
    # poll: the gateway hears of residency from the instances' feeds
    wait_until(lambda: counts(kind, client.get_inference_statistics("1.tar.gz")) == [6],
               "one entry with the requests of both")
    assert counts(kind, client.get_inference_statistics()) == [6]
    assert counts(kind, client.get_inference_statistics("1.tar.gz", "1")) == [6]
    with pytest.raises(InferenceServerException, match="1.tar.gz"):
        client.get_inference_statistics("1.tar.gz", "9")


def test_patterns_of_headers_to_forward_reach_the_instances(start_serve, bucket, zoo):
    store, name = bucket
    store.upload_file(str(zoo.archive("onnx", 1)), name, "1.tar.gz")
    serve = start_serve("--http-header-forward-pattern=^(my_http|timeout)$",
                        "--grpc-header-forward-pattern=^(my_grpc|priority)$")
    create_endpoint(serve.client("sagemaker"), ENDPOINT, f"s3://{name}/")
    for (kind, connect), own, reserved, other in zip(
            CLIENTS, ("my_http", "my_grpc"), ("timeout", "priority"), ("priority", "timeout")):
        client = connect(serve)
        for passed in (own, other):
            infer(kind, client, zoo, "1.tar.gz", headers={passed: "x"})
        # What comes as a parameter must not have a name that means something else.
        with pytest.raises(InferenceServerException, match=f"'{reserved}' has a reserved name"):
            infer(kind, client, zoo, "1.tar.gz", headers={reserved: "x"})


class Stream:
    """An open ModelStreamInfer; answers and errors in the order in which they came."""

    def __init__(self, serve):
        self.client = grpc_client(serve)
        self.came = queue.Queue()
        self.client.start_stream(lambda result, error: self.came.put((result, error)))

    def send(self, model, inputs, **arguments):
        self.client.async_stream_infer(model, inputs, **arguments)

    def take(self):
        result, error = self.came.get(timeout=60)
        if error:
            raise error
        return result

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.stop_stream()


def number_input(value):
    tensor = triton_grpc.InferInput("INPUT", [1, 1], "INT32")
    tensor.set_data_from_numpy(np.array([[value]], dtype=np.int32))
    return [tensor]


def test_a_stream_reaches_several_models_and_keeps_sequences_whole(serve, zoo):
    tensor = triton_grpc.InferInput("input", list(zoo.x.shape), "FP32")
    tensor.set_data_from_numpy(zoo.x)
    with Stream(serve) as stream:
        for step in range(1, 6):
            for sequence in (11, 12, 13):
                stream.send("sum.tar.gz", number_input(step * sequence), sequence_id=sequence,
                            sequence_start=step == 1, sequence_end=step == 5,
                            request_id=f"{sequence}/{step}")
            stream.send("1.tar.gz", [tensor], request_id=f"mlp/{step}")
        for step in range(1, 6):
            for sequence in (11, 12, 13):
                result = stream.take()
                assert result.get_response().id == f"{sequence}/{step}"
                assert result.as_numpy("OUTPUT").item() == sequence * step * (step + 1) // 2
            result = stream.take()
            np.testing.assert_allclose(result.as_numpy("output"), zoo.expected("onnx", 1),
                                       rtol=1e-5, atol=1e-6)
        stream.send("missing.tar.gz", [tensor])
        with pytest.raises(InferenceServerException, match="missing.tar.gz"):
            stream.take()


@pytest.mark.parametrize("kind, connect", CLIENTS)
def test_single_requests_of_a_sequence_stay_with_its_instance(serve, kind, connect):
    client = connect(serve)

    def run(sequence, outcomes):
        total = 0
        for step in range(1, 8):
            tensor = kind.InferInput("INPUT", [1, 1], "INT32")
            tensor.set_data_from_numpy(np.array([[step]], dtype=np.int32))
            result = connect(serve).infer("sum.tar.gz", [tensor], sequence_id=sequence,
                                          sequence_start=step == 1, sequence_end=step == 7)
            total += step
            outcomes.append(result.as_numpy("OUTPUT").item() == total)

    outcomes = []
    client.load_model("sum.tar.gz")
    threads = [threading.Thread(target=run, args=(sequence, outcomes)) for sequence in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [True] * 42


def test_decoupled_answers_come_one_by_one(serve):
    with Stream(serve) as stream:
        stream.send("repeat.tar.gz", repeat_inputs([7, 8, 9]), request_id="a")
        assert [stream.take().as_numpy("OUT").item() for _ in range(3)] == [7, 8, 9]
        stream.send("repeat.tar.gz", repeat_inputs([]), request_id="b",
                    enable_empty_final_response=True)
        final = stream.take().get_response()
        assert final.id == "b" and final.parameters["triton_final_response"].bool_param


def test_generate_and_its_stream_pass_through(serve):
    model = f"{serve.url}/endpoints/{ENDPOINT}/v2/models/repeat.tar.gz"
    one = requests.post(f"{model}/generate", json={"IN": [5], "DELAY": [0], "WAIT": [0]},
                        timeout=90)
    assert (one.status_code, one.json()["OUT"]) == (200, 5)
    request = {"IN": [7, 8, 9], "DELAY": [0, 0, 0], "WAIT": [0]}
    with requests.post(f"{model}/generate_stream", json=request, stream=True,
                       timeout=90) as several:
        events = [json.loads(line.removeprefix(b"data: ")) for line in several.iter_lines() if line]
    assert [event["OUT"] for event in events] == [7, 8, 9]


def test_grpcs_own_health_check_is_answered(serve):
    with grpc.insecure_channel(serve.grpc) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        assert check(health_pb2.HealthCheckRequest()).status == 1
        assert check(health_pb2.HealthCheckRequest(),
                     metadata=[("sarai-endpoint", "nobody")]).status == 2


def test_invocations_over_kserve_are_counted(serve, zoo):
    for kind, connect in CLIENTS:
        infer(kind, connect(serve), zoo, "1.tar.gz")
    lines = wait_until(lambda: [
        line for line in urllib.request.urlopen(serve.url + "/metrics").read().decode().splitlines()
        if line.startswith("sarai_invocations_total") and 'model="1.tar.gz"' in line],
        "a series of the model")
    assert lines[0].endswith(" 2")


def test_restricted_parts_ask_for_their_key(start_serve, bucket, zoo):
    store, name = bucket
    store.upload_file(str(zoo.archive("onnx", 1)), name, "1.tar.gz")
    serve = start_serve("--http-restricted-api", "inference,model-repository:secret=open",
                        "--grpc-restricted-protocol", "inference,model-repository:secret=open")
    create_endpoint(serve.client("sagemaker"), ENDPOINT, f"s3://{name}/")
    for (kind, connect), header in zip(CLIENTS, ("secret", "triton-grpc-protocol-secret")):
        client = connect(serve)
        with pytest.raises(InferenceServerException, match="restricted, expecting header"):
            infer(kind, client, zoo, "1.tar.gz")
        with pytest.raises(InferenceServerException, match="restricted, expecting header"):
            client.get_model_repository_index()
        infer(kind, client, zoo, "1.tar.gz", headers={header: "open"})
        assert client.get_model_repository_index(headers={header: "open"})
        assert client.is_server_ready()
