"""Control modes, load requests and repositories of `sarai instance`, through Triton's clients."""
import json
import shutil
import subprocess
import threading

import numpy as np
import pytest
import tritonclient.grpc as grpc_client
import tritonclient.http as http_client
from tritonclient.utils import InferenceServerException

from testkit import paths
from testkit.process import Process
from waiting import wait_until

CLIENTS = {"http": http_client, "grpc": grpc_client}
X = np.array([1, 2, 3], dtype=np.float32)


def config_of(name, delay_ms=0):
    config = {"name": name, "backend": "identity",
              "input": [{"name": "INPUT0", "data_type": "TYPE_FP32", "dims": [-1]}],
              "output": [{"name": "OUTPUT0", "data_type": "TYPE_FP32", "dims": [-1]}]}
    if delay_ms:
        config["parameters"] = {"execute_delay_ms": {"string_value": str(delay_ms)}}
    return config


def as_pbtxt(name, delay_ms=0):
    text = (f'name: "{name}" backend: "identity"\n'
            'input [ { name: "INPUT0" data_type: TYPE_FP32 dims: [ -1 ] } ]\n'
            'output [ { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ -1 ] } ]\n')
    if delay_ms:
        text += ('parameters { key: "execute_delay_ms" '
                 f'value {{ string_value: "{delay_ms}" }} }}\n')
    return text


def put(repository, name, versions=("1",), text=None):
    for version in versions:
        (repository / name / version).mkdir(parents=True, exist_ok=True)
    (repository / name / "config.pbtxt").write_text(text or as_pbtxt(name))


@pytest.fixture
def repository(tmp_path):
    path = tmp_path / "repository"
    for name in ("a", "b"):
        put(path, name)
    return path


class Client:
    """One of Triton's clients, with what the tests ask it."""

    def __init__(self, kind, instance):
        self.kind, self.module = kind, CLIENTS[kind]
        self.client = self.module.InferenceServerClient(getattr(instance, kind), **(
            {"network_timeout": 60} if kind == "http" else {}))
        self.load, self.unload = self.client.load_model, self.client.unload_model
        self.is_ready = self.client.is_model_ready

    def infer(self, name, version=""):
        tensor = self.module.InferInput("INPUT0", list(X.shape), "FP32")
        tensor.set_data_from_numpy(X)
        return self.client.infer(name, [tensor], model_version=version)

    def answers(self, name):
        return np.array_equal(self.infer(name).as_numpy("OUTPUT0"), X)

    def index(self):
        rows = self.client.get_model_repository_index()
        if self.kind == "grpc":
            rows = [{"name": row.name, "state": row.state, "reason": row.reason,
                     "version": row.version} for row in rows.models]
        return {row["name"]: (row.get("state", ""), row.get("reason", "")) for row in rows}

    def config(self, name):
        if self.kind == "grpc":
            return self.client.get_model_config(name, as_json=True)["config"]
        return self.client.get_model_config(name)

    def refusal(self, call, *arguments, **keywords):
        with pytest.raises(InferenceServerException) as raised:
            call(*arguments, **keywords)
        return raised.value


@pytest.fixture(params=CLIENTS)
def start(request, start_instance, repository):
    """start(*flags) -> (client, instance)"""

    def run(*flags):
        instance = start_instance("--model-repository", str(repository), *flags)
        return Client(request.param, instance), instance

    return run


def test_explicit_mode_serves_what_was_loaded_and_nothing_else(start):
    client, _ = start("--model-control-mode=explicit", "--load-model=a")
    assert client.client.is_server_ready()
    assert client.index() == {"a": ("READY", ""), "b": ("", "")}
    assert client.answers("a") and not client.is_ready("b")
    assert "unknown model: 'b' is not found" in str(client.refusal(client.infer, "b"))
    client.load("b")
    assert client.answers("b")
    client.unload("a")
    assert not client.is_ready("a")
    assert client.index()["a"] == ("UNAVAILABLE", "unloaded")
    assert "'a' has no available versions" in str(client.refusal(client.infer, "a"))


def test_on_demand_tells_of_models_that_were_never_loaded(start):
    client, _ = start()
    assert client.index() == {"a": ("", ""), "b": ("", "")}
    assert client.config("a")["backend"] == "identity"
    assert client.is_ready("a")
    assert client.index()["a"] == ("", "")
    assert client.answers("a")
    assert client.index()["a"] == ("READY", "")
    client.unload("a")
    assert not client.is_ready("a")
    assert "unloaded by request" in str(client.refusal(client.infer, "a"))
    client.load("a")
    assert client.answers("a")


@pytest.mark.parametrize("mode", ["none", "poll"])
def test_where_everything_is_loaded_at_the_start_loads_are_refused(start, mode):
    client, _ = start(f"--model-control-mode={mode}")
    assert client.index() == {"a": ("READY", ""), "b": ("READY", "")}
    for call in (client.load, client.unload):
        refusal = client.refusal(call, "a")
        assert "explicit model load / unload is not allowed" in refusal.message()
        assert refusal.status() in ("503", "StatusCode.UNAVAILABLE")
    assert client.answers("a")


def test_polling_follows_models_that_come_change_and_go(start, repository):
    client, _ = start("--model-control-mode=poll", "--repository-poll-secs=1")
    put(repository, "c")
    wait_until(lambda: client.is_ready("c"), "c is loaded")
    put(repository, "a", versions=["1", "2"])
    wait_until(lambda: client.infer("a").get_response(as_json=True)["model_version"] == "2"
               if client.kind == "grpc" else
               client.infer("a").get_response()["model_version"] == "2", "version 2 serves")
    shutil.rmtree(repository / "b")
    wait_until(lambda: not client.is_ready("b"), "b is unloaded")
    wait_until(lambda: set(client.index()) == {"a", "c"}, "b is not listed")


def test_a_load_may_bring_a_configuration_and_files(start):
    client, _ = start("--model-control-mode=explicit")
    files = {"file:7/model.bin": bytes(range(256))}
    client.load("a", config=json.dumps(config_of("a")), files=files)
    assert client.is_ready("a", "7") and not client.is_ready("a", "1")
    client.load("a")
    assert client.is_ready("a", "1") and not client.is_ready("a", "7")
    client.load("new", config=json.dumps(config_of("new")), files=files)
    assert client.answers("new")
    client.load("a", config=json.dumps({**config_of("a"), "max_batch_size": 16}))
    assert int(client.config("a")["max_batch_size"]) == 16


def test_a_load_that_cannot_be_says_why_in_tritons_words(start, repository):
    put(repository, "bad", text="no such field: 1")
    client, _ = start("--model-control-mode=explicit", "--load-model=a")
    for name, keywords in (("nothing", {}), ("bad", {}),
                           ("a", {"config": "{nonsense"}),
                           ("a", {"files": {"file:1/x": b"x"}, "config": ""}),
                           ("a", {"files": {"file:../x": b"x"}, "config": "{}"}),
                           ("a", {"files": {"file:" + "A" * 256: b"x"}, "config": "{}"})):
        refusal = client.refusal(client.load, name, **keywords)
        expected = f"failed to load '{name}', failed to poll from model repository"
        assert expected in refusal.message(), keywords
        assert refusal.status() in ("500", "StatusCode.INTERNAL")
    refusal = client.refusal(client.load, "a", config='{"backend":"nosuch"}')
    assert "load failed for model 'a'" in refusal.message()
    assert refusal.status() in ("400", "StatusCode.INVALID_ARGUMENT")
    assert client.answers("a")
    client.unload("nothing")
    client.unload("b")


def test_requests_in_flight_end_on_the_version_they_began_on(start, repository):
    put(repository, "slow", text=as_pbtxt("slow", delay_ms=1500))
    client, instance = start("--model-control-mode=explicit", "--load-model=slow")
    other = Client(client.kind, instance)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(other.infer("slow")))
    thread.start()

    def in_flight():
        lines = instance.get("/sarai/v1/status")
        return lines["in_flight"] == 1

    wait_until(in_flight, "the request runs")
    put(repository, "slow", versions=["2"])
    client.load("slow")
    assert client.is_ready("slow", "2")
    thread.join()
    body = answers[0].get_response()
    version = body["model_version"] if client.kind == "http" else body.model_version
    assert version == "1"


def test_the_start_ends_with_the_models_that_do_not_load(repository, tmp_path):
    put(repository, "bad", text="no such field: 1")
    command = [paths.SARAI, "instance", "--http-port=0", "--grpc-port=0", "--metrics-port=0",
               f"--model-repository={repository}", "--model-control-mode=none"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "failed to load all models: 'bad'" in ended.stderr
    process = Process([*command, "--exit-on-error=false"], tmp_path / "lenient.log")
    try:
        line = process.wait_for_line("sarai: ready ")
        address = dict(part.split("=") for part in line.split()[2:])["http"]
        client = http_client.InferenceServerClient(address)
        assert client.is_server_live() and not client.is_server_ready()
        assert client.is_model_ready("a") and not client.is_model_ready("bad")
    finally:
        process.stop()


def test_repositories_in_s3_are_served_beside_local_ones(s3, bucket, repository, start_instance):
    client, name = bucket

    def upload(model, versions=("1",), text=None):
        client.put_object(Bucket=name, Key=f"models/{model}/config.pbtxt",
                          Body=(text or as_pbtxt(model)).encode())
        for version in versions:
            client.put_object(Bucket=name, Key=f"models/{model}/{version}/model.bin", Body=b"x")

    upload("far")
    upload("b")
    url = f"s3://{s3.endpoint}/{name}/models"
    triton = Client("http", start_instance("--model-repository", str(repository),
                                           "--model-repository", url))
    assert triton.index() == {
        "a": ("", ""), "far": ("", ""),
        "b": ("UNAVAILABLE", "model appears in two or more repositories")}
    assert triton.answers("far") and triton.answers("a")
    assert "'b' is not found" in str(triton.refusal(triton.infer, "b"))
    upload("late")
    assert triton.answers("late")


def test_polling_follows_a_repository_in_s3(s3, bucket, start_instance):
    client, name = bucket
    client.put_object(Bucket=name, Key="a/config.pbtxt", Body=as_pbtxt("a").encode())
    client.put_object(Bucket=name, Key="a/1/model.bin", Body=b"x")
    triton = Client("http", start_instance(
        "--model-repository", f"s3://{s3.endpoint}/{name}", "--model-control-mode=poll",
        "--repository-poll-secs=1"))
    assert triton.answers("a")
    client.put_object(Bucket=name, Key="a/3/model.bin", Body=b"y")
    wait_until(lambda: triton.is_ready("a", "3"), "version 3 is loaded")
    client.delete_object(Bucket=name, Key="a/config.pbtxt")
    for version in ("1", "3"):
        client.delete_object(Bucket=name, Key=f"a/{version}/model.bin")
    wait_until(lambda: not triton.is_ready("a"), "a is unloaded")
