"""Traces, the access log, log settings of `sarai instance`, set and read by Triton's clients."""
import json
import shutil

import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from tritonclient.utils import InferenceServerException

from waiting import wait_until

COMPUTE = ["COMPUTE_START", "COMPUTE_INPUT_END", "COMPUTE_OUTPUT_START", "COMPUTE_END"]


@pytest.fixture
def repository(tmp_path, zoo):
    for name in ("alpha", "beta"):
        shutil.copytree(zoo.folder("onnx", 1), tmp_path / "repository" / name)
    return tmp_path / "repository"


def ask(client, library, model, x, **options):
    given = library.InferInput("input", list(x.shape), "FP32")
    given.set_data_from_numpy(x.astype(np.float32))
    return client.infer(model, [given], **options)


def traces(path):
    """{id: {"model_name": …, "names": [activities], "tensors": [...]}} of a whole file."""
    found = {}
    for entry in json.loads(path.exists() and path.read_text() or "[]"):
        trace = found.setdefault(entry["id"], {"names": [], "tensors": []})
        trace["names"] += [stamp["name"] for stamp in entry.pop("timestamps", [])]
        if "tensor" in entry:
            trace["tensors"].append((entry.pop("activity"), entry.pop("tensor")))
        trace.update(entry)
    return found


def test_a_request_is_traced_from_its_arrival_to_its_answer(start_instance, repository, tmp_path,
                                                            zoo):
    path = tmp_path / "trace.json"
    server = start_instance("--model-repository", repository, "--trace-config", "rate=1",
                            "--trace-config", "level=TIMESTAMPS", "--trace-config",
                            "level=TENSORS", "--trace-config", f"triton,file={path}")
    client = triton_http.InferenceServerClient(server.http)
    for number in (1, 2):
        ask(client, triton_http, "alpha", zoo.x, request_id=f"r{number}")
    found = wait_until(lambda: len(traces(path)) == 2 and traces(path), "two traces")
    cold, warm = found[1], found[2]
    assert (cold["model_name"], cold["model_version"], cold["request_id"]) == ("alpha", 1, "r1")
    assert warm["names"] == ["REQUEST_START", "QUEUE_START", *COMPUTE, "REQUEST_END"]
    assert set(cold["names"]) - set(warm["names"]) == {"RESIDENCY_START", "LOAD_START",
                                                       "LOAD_END", "RESIDENCY_END"}
    activity, tensor = warm["tensors"][0]
    assert activity == "TENSOR_QUEUE_INPUT"
    assert (tensor["name"], tensor["dtype"]) == ("input", "FP32")
    assert tensor["shape"] == ",".join(map(str, zoo.x.shape))
    np.testing.assert_allclose([float(v) for v in tensor["data"].split(",")],
                               zoo.x.astype(np.float32).ravel(), rtol=1e-6)


def test_clients_read_and_change_what_is_traced(start_instance, repository, tmp_path, zoo):
    path = tmp_path / "trace.json"
    server = start_instance("--model-repository", repository, "--trace-file", path)
    over_http = triton_http.InferenceServerClient(server.http)
    over_grpc = triton_grpc.InferenceServerClient(server.addresses["grpc"])
    assert over_http.get_trace_settings() == {
        "trace_level": ["OFF"], "trace_rate": "1000", "trace_count": "-1", "log_frequency": "0",
        "trace_file": str(path), "trace_mode": "triton"}
    over_http.update_trace_settings(settings={"trace_level": ["TIMESTAMPS"], "trace_rate": "1"})
    changed = over_grpc.update_trace_settings("beta", {"trace_level": ["OFF"]}, as_json=True)
    assert changed["settings"]["trace_level"]["value"] == ["OFF"]
    for model in ("beta", "alpha"):
        ask(over_grpc, triton_grpc, model, zoo.x)
    found = wait_until(lambda: traces(path), "a trace")
    assert [trace["model_name"] for trace in found.values()] == ["alpha"]
    over_http.update_trace_settings("beta", {"trace_level": None})
    assert over_http.get_trace_settings("beta")["trace_level"] == ["TIMESTAMPS"]


def test_settings_that_cannot_be_are_refused(start_instance, repository):
    server = start_instance("--model-repository", repository)
    client = triton_http.InferenceServerClient(server.http)
    for model, settings, why in ((None, {"trace_file": "x"}, "can not be updated"),
                                 (None, {"trace_rate": "often"}, "trace_rate"),
                                 ("gamma", {"trace_rate": "1"}, "unknown model")):
        with pytest.raises(InferenceServerException, match=why):
            client.update_trace_settings(model, settings)
    with pytest.raises(InferenceServerException, match="log_format"):
        client.update_log_settings({"log_format": "xml"})


def test_the_log_goes_to_its_file_and_changes_live(start_instance, repository, tmp_path, zoo):
    path = tmp_path / "server.log"
    server = start_instance("--model-repository", repository, "--log-file", path,
                            "--log-format", "ISO8601")
    over_http = triton_http.InferenceServerClient(server.http)
    over_grpc = triton_grpc.InferenceServerClient(server.addresses["grpc"])
    assert over_http.get_log_settings() == {
        "log_file": str(path), "log_info": True, "log_warning": True, "log_error": True,
        "log_verbose_level": 0, "log_format": "ISO8601"}
    ask(over_http, triton_http, "alpha", zoo.x)
    assert "loaded 'alpha'" in path.read_text()
    over_grpc.update_log_settings({"log_info": False})
    ask(over_http, triton_http, "beta", zoo.x)
    assert "loaded 'beta'" not in path.read_text()


def test_the_access_log_has_a_line_per_request(start_instance, repository, tmp_path, zoo):
    path = tmp_path / "access.log"
    server = start_instance("--model-repository", repository, "--access-log", path)
    over_http = triton_http.InferenceServerClient(server.http)
    over_grpc = triton_grpc.InferenceServerClient(server.addresses["grpc"])
    for client, library in ((over_http, triton_http), (over_grpc, triton_grpc)):
        answer = ask(client, library, "alpha", zoo.x, request_id="r")
    with pytest.raises(InferenceServerException):
        ask(over_http, triton_http, "gamma", zoo.x)
    lines = wait_until(
        lambda: path.read_text().count("\n") == 3 and
        [json.loads(line) for line in path.read_text().splitlines()], "three lines")
    # A line is written when all of its request is over, which may be after the next one's answer.
    lines.sort(key=lambda line: line["time"])
    cold, warm, missing = lines
    assert [line["protocol"] for line in lines] == ["http", "grpc", "http"]
    assert [line["cold"] for line in lines] == [True, False, False]
    assert [line["status"] for line in lines] == ["ok", "ok", "not_found"]
    assert (warm["model"], warm["version"], warm["id"]) == ("alpha", "1", "r")
    assert warm["bytes_in"] == zoo.x.astype(np.float32).nbytes
    assert warm["bytes_out"] == answer.as_numpy("output").nbytes
    assert warm["peer"] and cold["load_ms"] > 0 == warm["load_ms"]
    assert warm["total_ms"] >= warm["queue_ms"] + warm["compute_ms"] > 0
    assert "gamma" in missing["error"]
