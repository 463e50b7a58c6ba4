"""Spans of `sarai instance` as a real OpenTelemetry collector gets them."""
import shutil

import numpy as np
import pytest
import requests
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from testkit.collector import Collector, attributes

from waiting import wait_until

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = {"traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": "shop=7"}
WARM = {"InferRequest", "alpha", "queue", "compute", "input", "infer", "output"}


@pytest.fixture
def collector(tmp_path):
    collector = Collector(tmp_path / "collector")
    yield collector
    collector.stop()


@pytest.fixture
def start_traced(start_instance, collector):
    def start(repository, *flags, rate=1):
        return start_instance(
            "--model-repository", repository, "--trace-config", "mode=opentelemetry",
            "--trace-config", "level=TIMESTAMPS", "--trace-config", f"rate={rate}",
            "--trace-config", f"opentelemetry,url={collector.url}", "--trace-config",
            "opentelemetry,resource=team=blue", "--trace-config",
            "opentelemetry,bsp_schedule_delay=50", *flags)

    return start


@pytest.fixture
def repository(tmp_path, zoo):
    shutil.copytree(zoo.folder("onnx", 1), tmp_path / "repository" / "alpha")
    return tmp_path / "repository"


def ask(server, model, x, library=triton_http, headers=None):
    address = server.http if library is triton_http else server.addresses["grpc"]
    given = library.InferInput("input", list(x.shape), "FP32")
    given.set_data_from_numpy(x.astype(np.float32))
    library.InferenceServerClient(address).infer(model, [given], headers=headers)


def spans_of(collector, count):
    return wait_until(lambda: len(collector.spans()) >= count and collector.spans(), "the spans")


def parents(spans):
    """{span's name: its parent's name}, for names that are there once."""
    names = {span["spanId"]: span["name"] for span in spans}
    return {span["name"]: names.get(span.get("parentSpanId")) for span in spans}


def test_a_cold_start_is_spans_of_the_request_that_caused_it(start_traced, collector, repository,
                                                             zoo):
    collector.start()
    ask(start_traced(repository), "alpha", zoo.x)
    spans = spans_of(collector, len(WARM) + 2)
    assert parents(spans) == {
        "InferRequest": None, "alpha": "InferRequest", "residency": "alpha", "load": "residency",
        "queue": "alpha", "compute": "alpha", "input": "compute", "infer": "compute",
        "output": "compute"}
    by_name = {span["name"]: span for span in spans}
    assert len({span["traceId"] for span in spans}) == 1
    assert attributes(by_name["alpha"])["triton.model_name"] == "alpha"
    assert attributes(by_name["alpha"])["sarai.cold"] is True
    assert by_name["alpha"]["resource"] == {"service.name": "sarai", "team": "blue"}
    start, end = (lambda s: int(s["startTimeUnixNano"])), (lambda s: int(s["endTimeUnixNano"]))
    for span in spans:
        above = next((s for s in spans if s["spanId"] == span.get("parentSpanId")), span)
        assert start(above) <= start(span) <= end(span) <= end(above)


@pytest.mark.parametrize("library", [triton_http, triton_grpc], ids=["http", "grpc"])
def test_a_request_joins_its_callers_trace_whatever_the_rate(start_traced, collector, repository,
                                                             zoo, library):
    collector.start()
    server = start_traced(repository, rate=0)
    ask(server, "alpha", zoo.x, library)
    ask(server, "alpha", zoo.x, library, headers=dict(PARENT))  # clients add to it
    spans = spans_of(collector, len(WARM))
    assert {span["name"] for span in spans} == WARM and len(spans) == len(WARM)
    root = next(span for span in spans if span["name"] == "InferRequest")
    assert (root["traceId"], root["parentSpanId"], root["traceState"]) == (TRACE, CALLER, "shop=7")


def test_the_steps_of_an_ensemble_hang_below_it(start_traced, collector, repository, zoo):
    (repository / "both" / "1").mkdir(parents=True)
    (repository / "both" / "config.pbtxt").write_text("""
platform: "ensemble" max_batch_size: 8
input { name: "input" data_type: TYPE_FP32 dims: [%d] }
output { name: "output" data_type: TYPE_FP32 dims: [-1] }
ensemble_scheduling { step { model_name: "alpha" model_version: -1
  input_map { key: "input" value: "input" } output_map { key: "output" value: "output" } } }
""" % zoo.x.shape[1])
    collector.start()
    ask(start_traced(repository), "both", zoo.x)
    spans = wait_until(
        lambda: {"both", "alpha"} <= {s["name"] for s in collector.spans()} and collector.spans(),
        "the ensemble's and the step's spans")
    above = parents(spans)
    assert above["both"] == "InferRequest" and above["alpha"] == "both"
    assert len({span["traceId"] for span in spans}) == 1


def test_spans_wait_for_a_collector_that_comes_late(start_traced, collector, repository, zoo):
    server = start_traced(repository)
    ask(server, "alpha", zoo.x)
    collector.start()
    assert {span["name"] for span in spans_of(collector, len(WARM) + 2)} >= WARM


def test_spans_beyond_the_queue_are_dropped_and_counted(start_traced, repository, zoo):
    server = start_traced(repository, "--trace-config", "opentelemetry,bsp_max_queue_size=4",
                          "--trace-config", "opentelemetry,bsp_max_export_batch_size=4")
    for _ in range(5):
        ask(server, "alpha", zoo.x)

    def dropped():
        text = requests.get(f"http://{server.addresses['metrics']}/metrics", timeout=30).text
        line = next(li for li in text.splitlines() if li.startswith("sarai_spans_dropped "))
        return float(line.split()[1]) > 0

    wait_until(dropped, "dropped spans")
