"""`sarai instance` on its own: Triton's HTTP client, and the container contract by hand."""
import json
import shutil
import threading

import numpy as np
import pytest
import requests
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from testkit import models
from testkit.sarai import (first_binary_output, first_output, kserve_binary, kserve_json)


@pytest.fixture
def repository(tmp_path, zoo):
    """A repository with `alpha` (ONNX) and `beta` (TorchScript)."""
    for name, framework in (("alpha", "onnx"), ("beta", "pt")):
        target = tmp_path / "repository" / name
        shutil.copytree(zoo.folder(framework, 1), target)
        config = (target / "config.pbtxt").read_text().replace('name: "mlp"', f'name: "{name}"')
        (target / "config.pbtxt").write_text(config)
    return tmp_path / "repository"


@pytest.fixture
def server(start_instance, repository):
    return start_instance("--model-repository", repository)


def infer(client, model, x, input_name, output_name, binary=True):
    tensor = triton.InferInput(input_name, list(x.shape), "FP32")
    tensor.set_data_from_numpy(x, binary_data=binary)
    wanted = [triton.InferRequestedOutput(output_name, binary_data=binary)]
    return client.infer(model, [tensor], outputs=wanted).as_numpy(output_name)


def test_tritons_client_sees_health_metadata_config_and_answers(server, zoo):
    client = triton.InferenceServerClient(server.http)
    assert client.is_server_live() and client.is_server_ready()
    assert client.get_server_metadata()["name"]
    for binary in (True, False):
        np.testing.assert_allclose(infer(client, "alpha", zoo.x, "input", "output", binary),
                                   zoo.expected("onnx", 1), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(infer(client, "beta", zoo.x, "INPUT__0", "OUTPUT__0", binary),
                                   zoo.expected("pt", 1), rtol=1e-5, atol=1e-6)
    metadata = client.get_model_metadata("alpha")
    assert metadata["platform"] == "onnxruntime_onnx"
    assert metadata["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, 16]}]
    config = client.get_model_config("beta")
    assert config["max_batch_size"] == 8 and config["backend"] == "pytorch"
    assert client.is_model_ready("alpha")


def test_the_repository_is_listed_loaded_and_unloaded(server, zoo):
    client = triton.InferenceServerClient(server.http)
    assert {m["name"] for m in client.get_model_repository_index()} == {"alpha", "beta"}
    client.load_model("alpha")
    assert client.is_model_ready("alpha")
    client.unload_model("alpha")
    with pytest.raises(InferenceServerException):
        infer(client, "alpha", zoo.x, "input", "output")  # held until it is loaded again
    client.load_model("alpha")
    infer(client, "alpha", zoo.x, "input", "output")


def test_bad_requests_name_the_tensor_and_the_server_lives_on(server, zoo):
    client = triton.InferenceServerClient(server.http)
    with pytest.raises(InferenceServerException, match="nothing"):
        infer(client, "nothing", zoo.x, "input", "output")
    with pytest.raises(InferenceServerException, match="wrong"):
        infer(client, "alpha", zoo.x, "wrong", "output")
    with pytest.raises(InferenceServerException, match="input"):
        infer(client, "alpha", np.zeros((2, 17), np.float32), "input", "output")
    with pytest.raises(InferenceServerException, match="9"):
        infer(client, "alpha", np.zeros((9, 16), np.float32), "input", "output")
    for body in (b"", b"{", b"[]", b'{"inputs":1}', b"\xff" * 100):
        answer = requests.post(f"{server.url}/v2/models/alpha/infer", data=body, timeout=30)
        assert answer.status_code == 400 and answer.json()["error"]
    infer(client, "alpha", zoo.x, "input", "output")


def test_a_configuration_is_completed_from_the_model(start_instance, tmp_path, zoo):
    folder = tmp_path / "bare" / "gamma" / "1"
    folder.mkdir(parents=True)
    shutil.copy(zoo.folder("onnx", 2) / "1" / "model.onnx", folder)
    server = start_instance("--model-repository", tmp_path / "bare")
    client = triton.InferenceServerClient(server.http)
    np.testing.assert_allclose(infer(client, "gamma", zoo.x, "input", "output"),
                               zoo.expected("onnx", 2), rtol=1e-5, atol=1e-6)
    config = client.get_model_config("gamma")
    assert config["max_batch_size"] == 4
    assert config["input"][0]["dims"] in (["16"], [16])


def test_the_container_contract(server, zoo, tmp_path):
    def call(method, path, **arguments):
        return requests.request(method, server.url + path, timeout=60, **arguments)

    assert call("GET", "/ping").status_code == 200
    assert call("GET", "/models").json()["models"] == []
    assert call("GET", "/models/h1").status_code == 404
    assert call("DELETE", "/models/h1").status_code == 404
    for number in (1, 2, 3):
        folder = tmp_path / f"h{number}" / "model"
        shutil.copytree(zoo.folder("onnx", number), folder / "mlp")
        loaded = call("POST", "/models", json={"model_name": f"h{number}", "url": str(folder)})
        assert loaded.status_code == 200, loaded.text
    again = call("POST", "/models", json={"model_name": "h1", "url": str(tmp_path / "h1/model")})
    assert again.status_code == 409
    assert call("GET", "/models/h2").json() == {"modelName": "h2",
                                                "modelUrl": str(tmp_path / "h2" / "model")}
    names, token = [], ""
    while True:
        page = call("GET", f"/models?limit=2{token}").json()
        names += [model["modelName"] for model in page["models"]]
        if "nextPageToken" not in page:
            break
        token = "&next_page_token=" + page["nextPageToken"]
    assert sorted(names) == ["h1", "h2", "h3"]

    answer = call("POST", "/models/h2/invoke", data=kserve_json("input", zoo.x),
                  headers={"Content-Type": "application/octet-stream"})
    np.testing.assert_allclose(first_output(answer.content), zoo.expected("onnx", 2), rtol=1e-5,
                               atol=1e-6)
    content_type, body = kserve_binary("input", zoo.x, output="output")
    answer = call("POST", "/models/h2/invoke", data=body, headers={"Content-Type": content_type})
    np.testing.assert_allclose(first_binary_output(answer.headers["Content-Type"], answer.content),
                               zoo.expected("onnx", 2), rtol=1e-5, atol=1e-6)
    raw = call("POST", "/models/h2/invoke", data=zoo.x[:1].tobytes(), headers={
        "Content-Type": "application/vnd.sagemaker-triton.binary+json;json-header-size=0"})
    np.testing.assert_allclose(
        first_binary_output(raw.headers["Content-Type"], raw.content),
        zoo.expected("onnx", 2)[:1], rtol=1e-5, atol=1e-6)
    media_type = "application/vnd.sagemaker-triton.binary+json;json-header-size="
    for size in ("-1", "x", "99999999", "99999999999999999999"):
        bad = call("POST", "/models/h2/invoke", data=body,
                   headers={"Content-Type": media_type + size})
        assert bad.status_code == 400 and bad.json()["error"]
    assert call("DELETE", "/models/h2").status_code == 200
    gone = call("POST", "/models/h2/invoke", data=kserve_json("input", zoo.x))
    assert gone.status_code == 404
    assert call("GET", "/ping").status_code == 200


def test_a_model_loaded_by_path_is_never_evicted(start_instance, tmp_path, repository):
    server = start_instance("--model-repository", repository, "--instance-memory", "40MiB")
    statuses = []
    for number in (1, 2, 3):
        net = models.mlp(number, hidden=200_000)
        folder = models.write_model_folder(net, tmp_path / f"p{number}" / "model" / "mlp", "onnx")
        answer = requests.post(server.url + "/models", timeout=60, json={
            "model_name": f"p{number}", "url": str(folder.parent)})
        statuses.append(answer.status_code)
    assert statuses[0] == 200 and statuses[-1] == 507
    listed = requests.get(server.url + "/models", timeout=30).json()["models"]
    assert [m["modelName"] for m in listed] == [f"p{i + 1}" for i, s in enumerate(statuses)
                                                if s == 200]


def test_requests_are_batched_together(start_instance, tmp_path):
    net = models.mlp(1)
    extra = "dynamic_batching { preferred_batch_size: [ 8 ] max_queue_delay_microseconds: 200000 }"
    models.write_model_folder(net, tmp_path / "batching" / "mlp", "onnx", extra_config=extra)
    server = start_instance("--model-repository", tmp_path / "batching")
    x = np.random.default_rng(1).standard_normal((8, 16), dtype=np.float32)
    expected = models.onnx_answer(tmp_path / "batching" / "mlp" / "1" / "model.onnx", x)
    answers = [None] * 8

    def run(row):
        client = triton.InferenceServerClient(server.http)
        answers[row] = infer(client, "mlp", x[row:row + 1], "input", "output")

    threads = [threading.Thread(target=run, args=(row,)) for row in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_allclose(np.concatenate(answers), expected, rtol=1e-5, atol=1e-6)


def test_flags_that_are_not_served_stop_the_start_with_a_reason(start_instance, repository):
    for flag in ("--repoagent-directory=x", "--grpc-use-ssl=1", "--no-such-flag"):
        with pytest.raises(RuntimeError) as error:
            start_instance("--model-repository", repository, flag)
        assert flag.split("=")[0].lstrip("-") in str(error.value)


def test_metrics_have_a_port_of_their_own(server, zoo):
    client = triton.InferenceServerClient(server.http)
    infer(client, "alpha", zoo.x, "input", "output")
    text = requests.get(f"http://{server.addresses['metrics']}/metrics", timeout=30).text
    assert 'nv_inference_count{model="alpha",version="1"}' in text
    assert json.dumps(server.get("/sarai/v1/status"))


def test_a_port_is_shared_only_by_those_who_are_told_to(start_instance, tmp_path):
    repository = tmp_path / "empty"
    repository.mkdir()
    shared = ("--model-repository", repository, "--reuse-http-port=true", "--http-port")
    first = start_instance(*shared, "0")
    port = first.http.rsplit(":", 1)[1]
    assert start_instance(*shared, port).http == first.http
    with pytest.raises(RuntimeError, match=port):
        start_instance("--model-repository", repository, "--http-port", port)
