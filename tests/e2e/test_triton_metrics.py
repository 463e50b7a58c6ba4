"""What /metrics of `sarai instance` says in Triton's names, read by Prometheus' own parsers."""
import shutil

import numpy as np
import pytest
import requests
import tritonclient.http as triton
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

MODEL = {"model": "kept", "version": "1"}
COUNTERS = {
    "nv_inference_request_success", "nv_inference_request_failure", "nv_inference_count",
    "nv_inference_exec_count", "nv_inference_request_duration_us",
    "nv_inference_queue_duration_us", "nv_inference_compute_input_duration_us",
    "nv_inference_compute_infer_duration_us", "nv_inference_compute_output_duration_us",
    "nv_cache_num_hits_per_model", "nv_cache_num_misses_per_model",
    "nv_cache_hit_duration_per_model", "nv_cache_miss_duration_per_model"}
GAUGES = {"nv_inference_pending_request_count", "nv_model_load_duration_secs",
          "nv_cpu_utilization", "nv_cpu_memory_total_bytes", "nv_cpu_memory_used_bytes"}


@pytest.fixture
def repository(tmp_path, zoo):
    path = tmp_path / "repository"
    shutil.copytree(zoo.folder("onnx", 1), path / "kept")
    (path / "kept" / "config.pbtxt").write_text(
        'backend: "onnxruntime"\nresponse_cache { enable: true }\n'
        'metric_tags { key: "team" value: "blue" }\n')
    return path


def ask(server, x):
    client = triton.InferenceServerClient(server.http)
    given = triton.InferInput("input", list(x.shape), "FP32")
    given.set_data_from_numpy(x.astype(np.float32))
    client.infer("kept", [given])


def families(server, accept=None):
    answer = requests.get(f"http://{server.addresses['metrics']}/metrics", timeout=30,
                          headers={"Accept": accept} if accept else {})
    answer.raise_for_status()
    parse = (openmetrics.text_string_to_metric_families
             if answer.headers["Content-Type"].startswith("application/openmetrics-text")
             else text_string_to_metric_families)
    return {family.name: family for family in parse(answer.text)}


def value(found, name, **labels):
    wanted = {**MODEL, "_team": "blue", **labels}
    # The parser of the older format puts "_total" behind the names of all counters.
    return next(s.value for s in found[name].samples
                if s.name in (name, name + "_total") and s.labels == wanted)


def test_figures_have_tritons_names_labels_and_types(start_instance, repository, zoo):
    server = start_instance("--model-repository", repository, "--cache-config",
                            "local,size=1048576")
    for _ in range(3):
        ask(server, zoo.x)
    found = families(server)
    assert {n for n in COUNTERS if n in found and found[n].type == "counter"} == COUNTERS
    assert {n for n in GAUGES if n in found and found[n].type == "gauge"} == GAUGES
    assert value(found, "nv_inference_request_success") == 3
    assert value(found, "nv_inference_count") == len(zoo.x)
    assert value(found, "nv_cache_num_hits_per_model") == 2
    assert value(found, "nv_cache_num_misses_per_model") == 1
    for reason in ("REJECTED", "CANCELED", "BACKEND", "OTHER"):
        assert value(found, "nv_inference_request_failure", reason=reason) == 0
    total = found["nv_cpu_memory_total_bytes"].samples[0].value
    assert 0 < found["nv_cpu_memory_used_bytes"].samples[0].value < total


def test_openmetrics_keeps_the_names(start_instance, repository, zoo):
    server = start_instance("--model-repository", repository)
    ask(server, zoo.x)
    found = families(server, "application/openmetrics-text; version=1.0.0")
    assert value(found, "nv_inference_count") == len(zoo.x)
    assert found["sarai_model_requests"].type == "counter"


def test_groups_are_left_out_where_the_command_line_says_so(start_instance, repository, zoo):
    server = start_instance("--model-repository", repository, "--metrics-config",
                            "counter_latencies=false", "--allow-cpu-metrics=false")
    ask(server, zoo.x)
    found = families(server)
    assert value(found, "nv_inference_count") == len(zoo.x)
    assert not {n for n in found if n.endswith("duration_us") or n.startswith("nv_cpu")}
