"""`sarai bench` against real servers, and against one that only listens and takes notes."""
import http.server
import importlib
import json
import shutil
import signal
import ssl
import subprocess
import threading
import xml.etree.ElementTree

import numpy as np
import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tritonclient.grpc import service_pb2

from testkit import paths
from testkit.certificates import Authority
from testkit.process import Process
from testkit.s3 import free_port
from testkit.sarai import create_endpoint, kserve_json
from waiting import wait_until


@pytest.fixture
def bench(tmp_path):
    """bench(*flags) -> (exit code, JSON report or None, standard output, standard error)."""
    def run(*flags, env=None):
        report = tmp_path / "report.json"
        report.unlink(missing_ok=True)
        done = subprocess.run(
            [paths.SARAI, "bench", "--json", report, *map(str, flags)], capture_output=True,
            text=True, timeout=120, env={"PATH": "/usr/bin", **(env or {})}, check=False)
        read = json.loads(report.read_text()) if report.exists() else None
        return done.returncode, read, done.stdout, done.stderr
    return run


@pytest.fixture
def instance(start_instance, zoo, tmp_path):
    for number in range(1, 4):
        shutil.copytree(zoo.folder("onnx", number), tmp_path / "repository" / f"mlp-{number}")
    return start_instance("--model-repository", tmp_path / "repository")


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_every_request_is_answered_and_counted(bench, instance, protocol, tmp_path):
    where = ("--url", instance.url) if protocol == "http" else ("--grpc", instance.grpc)
    svg = tmp_path / "plot.svg"
    code, report, out, _ = bench(*where, "-m", "mlp-{1..3}", "-c", "1,4", "-n", 150, "--batch", 2,
                                 "--pid", instance.pid, "--svg", svg)
    assert code == 0, out
    assert [step["clients"] for step in report["steps"]] == [1, 4]
    for step in report["steps"]:
        assert (step["answered"], step["failed"]) == (150, 0)
        assert sum(model["answered"] for model in step["models"]) == 150
        assert 0 < step["latency"]["all"]["p50_ms"] <= step["latency"]["all"]["max_ms"]
        assert step["cpu"]["server_seconds"] >= 0
    assert report["steps"][0]["latency"]["cold"]["count"] == 3  # each model once
    assert report["steps"][1]["latency"]["cold"]["count"] == 0
    assert "4 clients" in out and "p99" in out
    assert xml.etree.ElementTree.parse(svg).getroot().tag.endswith("svg")


def test_all_models_of_the_index_in_a_trace_of_times(bench, instance, tmp_path):
    trace = tmp_path / "trace.csv"
    trace.write_text("at_ms\n" + "\n".join(str(5 * i) for i in range(60)))
    code, report, out, _ = bench("--url", instance.url, "--models-from", "index", "--trace", trace)
    assert code == 0, out
    assert report["model_count"] == 3
    step = report["steps"][0]
    assert step["loop"] == "open" and step["latency_from"] == "intended send"
    assert step["answered"] == 60 and len(step["models"]) == 3


def test_cold_models_of_an_endpoint_are_told_apart(bench, start_serve, bucket, zoo, tmp_path):
    client, name = bucket
    for number in range(4):
        client.upload_file(str(zoo.archive("onnx", number)), name, f"mlp-{number}.tar.gz")
    serve = start_serve("--instance-memory", "256MiB")
    create_endpoint(serve.client("sagemaker"), "many", f"s3://{name}/")
    body = tmp_path / "body.json"
    body.write_text(kserve_json(zoo.INPUTS["onnx"], zoo.x))
    code, report, out, _ = bench("--url", serve.url, "--endpoint", "many", "--input", body,
                                 "-m", "mlp-{0..3}.tar.gz", "--zipf", "1.1", "-c", 2, "-n", 200)
    assert code == 0, out
    assert report["cold_by"] == "the server"
    latency = report["steps"][0]["latency"]
    assert latency["cold"]["count"] >= 4
    assert latency["warm"]["count"] + latency["cold"]["count"] == 200
    asked = [model["answered"] for model in report["steps"][0]["models"]]
    assert asked[0] > 2 * asked[-1]


def test_errors_are_told_by_kind_with_what_the_server_said(bench, instance):
    code, report, out, err = bench("--url", instance.url, "-m", "mlp-1,absent", "-c", 1, "-n", 10)
    assert code == 0, err
    step = report["steps"][0]
    assert (step["answered"], step["failed"]) == (5, 5)
    (kind,) = step["errors"]
    assert step["errors"][kind]["count"] == 5 and "absent" in step["errors"][kind]["example"]
    assert "absent" in out
    code, _, _, err = bench("--url", instance.url, "-m", "mlp-1,absent", "-n", 10,
                            "--max-error-rate", "0.1")
    assert code == 1 and "--max-error-rate" in err


def test_what_cannot_begin_says_why(bench, instance):
    address = f"127.0.0.1:{free_port()}"
    for flags, expected in [(("--url", f"http://{address}", "-m", "x"), address),
                            (("--grpc", address, "-m", "x"), address),
                            (("--url", instance.url, "-m", "absent"), "absent"),
                            (("--url", "ftp://x", "-m", "x"), "ftp://x"),
                            (("--url", instance.url), "--models"),
                            (("-m", "x"), "--url")]:
        code, report, _, err = bench(*flags)
        assert code == 2 and report is None
        assert expected in err


class Notes(http.server.ThreadingHTTPServer):
    """Answers every POST with 200 and keeps what it got."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), NotesHandler)
        self.requests = []
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()


class NotesHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, dict(self.headers), body))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


@pytest.fixture
def notes():
    server = Notes()
    yield server
    server.shutdown()
    server.server_close()


def test_invoke_endpoint_is_signed_as_botocore_signs(bench, notes, tmp_path):
    body = tmp_path / "body"
    body.write_bytes(b'{"a": 1}')
    url = f"http://127.0.0.1:{notes.server_port}"
    code, report, out, _ = bench("--url", url, "--endpoint", "my-endpoint", "--input", body,
                                 "-m", "a b.tar.gz", "-n", 1, "--region", "eu-west-1",
                                 env={"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "key",
                                      "AWS_SESSION_TOKEN": "token"})
    assert code == 0 and report["steps"][0]["answered"] == 1, out
    ((path, headers, sent),) = notes.requests
    lower = {name.lower(): value for name, value in headers.items()}
    assert path == "/endpoints/my-endpoint/invocations" and sent == body.read_bytes()
    assert lower["x-amzn-sagemaker-target-model"] == "a b.tar.gz"
    assert lower["x-amz-security-token"] == "token"
    signed = lower["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    request = AWSRequest("POST", url + path, data=sent,
                         headers={name: lower[name] for name in signed})
    request.context["timestamp"] = lower["x-amz-date"]
    signer = SigV4Auth(Credentials("AKID", "key", "token"), "sagemaker", "eu-west-1")
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)),
                                 request)
    assert lower["authorization"].endswith("Signature=" + signature)


def test_other_servers_are_reached_by_path_and_headers(bench, notes, tmp_path):
    body = tmp_path / "image"
    body.write_bytes(b"\x00\x01")
    code, _, out, _ = bench("--url", f"http://127.0.0.1:{notes.server_port}/base", "-m", "resnet",
                            "--path", "/predictions/{}", "--input", body, "--content-type",
                            "image/jpeg", "--header", "X-Who: me", "-n", 3)
    assert code == 0, out
    assert [request[0] for request in notes.requests] == ["/predictions/resnet"] * 3
    _, headers, sent = notes.requests[0]
    assert headers["Content-Type"] == "image/jpeg" and headers["X-Who"] == "me"
    assert sent == b"\x00\x01"


def test_stopped_early_it_reports_what_it_has(instance, tmp_path):
    report = tmp_path / "report.json"
    process = Process([paths.SARAI, "bench", "--url", instance.url, "-m", "mlp-1", "-d", "1h",
                       "--json", report], tmp_path / "bench.log")
    try:
        # Progress is on standard error, which is the log.
        wait_until(lambda: " answered" in process.log_tail(), "a line of progress")
        process.popen.send_signal(signal.SIGINT)
        assert process.popen.wait(60) == 0, process.log_tail()
    finally:
        process.popen.kill()
    assert json.loads(report.read_text())["interrupted"] is True


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_models_of_an_endpoint_over_kserve(bench, start_serve, bucket, zoo, protocol):
    store, name = bucket
    for number in (1, 2):
        store.upload_file(str(zoo.archive("onnx", number)), name, f"{number}.tar.gz")
    serve = start_serve()
    create_endpoint(serve.client("sagemaker"), "many", f"s3://{name}/")
    create_endpoint(serve.client("sagemaker"), "other", "s3://anything/", wait=False)
    other = f"{serve.url}/endpoints/other/v2/health/live"
    wait_until(lambda: requests.get(other, timeout=60).status_code != 404, "its first instance")
    load = ("-m", "{1..2}.tar.gz", "-n", 20)
    named, nameless = {
        "http": (("--url", f"{serve.url}/endpoints/many"), ("--url", serve.url)),
        "grpc": (("--grpc", serve.grpc, "--header", "sarai-endpoint: many"),
                 ("--grpc", serve.grpc))}[protocol]
    code, report, out, _ = bench(*named, *load)
    assert code == 0, out
    assert (report["steps"][0]["answered"], report["steps"][0]["failed"]) == (20, 0)
    code, _, _, err = bench(*nameless, *load)
    assert code == 2 and "there are 2 endpoints" in err


def test_a_file_goes_over_grpc_as_a_message_or_as_json(bench, instance, tmp_path):
    body = tmp_path / "body"
    flags = ("--grpc", instance.grpc, "-m", "mlp-1,mlp-2", "-n", 4, "--input", body)
    body.write_text(kserve_json("input", np.zeros((2, 16), dtype=np.float32)))
    assert bench(*flags)[1]["steps"][0]["answered"] == 4
    message = service_pb2.ModelInferRequest(model_name="elsewhere", model_version="7")
    message.inputs.add(name="input", datatype="FP32", shape=[3, 16])
    message.raw_input_contents.append(bytes(3 * 16 * 4))
    body.write_bytes(message.SerializeToString())
    assert bench(*flags)[1]["steps"][0]["answered"] == 4
    counted = [int(instance.get(f"/v2/models/mlp-{number}/stats")["model_stats"][0]
                   ["inference_count"]) for number in (1, 2)]
    assert counted == [2 * 2 + 2 * 3] * 2
    body.write_text("neither")
    code, _, _, err = bench(*flags)
    assert code == 2 and "--input" in err


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def test_tls_over_grpc(bench, start_instance, authority, zoo, tmp_path):
    server = authority.certify("server")
    shutil.copytree(zoo.folder("onnx", 1), tmp_path / "repository" / "mlp")
    instance = start_instance("--model-repository", tmp_path / "repository", "--grpc-use-ssl=true",
                              "--grpc-server-cert", server.certificate,
                              "--grpc-server-key", server.key)
    flags = ("--grpc", f"https://{instance.grpc}", "-m", "mlp", "-n", 5)
    code, report, out, _ = bench(*flags, "--ca-file", authority.file)
    assert code == 0 and report["steps"][0]["answered"] == 5, out
    code, _, _, err = bench(*flags, "--timeout", "5s")
    assert code == 2 and instance.grpc in err


def test_a_certificate_is_shown_over_grpc(bench, start_instance, authority, zoo, tmp_path):
    server, client = authority.certify("server"), authority.certify("client")
    shutil.copytree(zoo.folder("onnx", 1), tmp_path / "repository" / "mlp")
    instance = start_instance("--model-repository", tmp_path / "repository",
                              "--grpc-use-ssl-mutual=true", "--grpc-root-cert", authority.file,
                              "--grpc-server-cert", server.certificate,
                              "--grpc-server-key", server.key)
    flags = ("--grpc", f"https://{instance.grpc}", "-m", "mlp", "-n", 5, "--ca-file",
             authority.file)
    code, report, out, _ = bench(*flags, "--cert-file", client.certificate, "--key-file",
                                 client.key)
    assert code == 0 and report["steps"][0]["answered"] == 5, out
    code, _, _, err = bench(*flags, "--timeout", "5s")
    assert code == 2 and instance.grpc in err
    code, _, _, err = bench(*flags, "--cert-file", client.certificate)
    assert code == 2 and "--key-file" in err
    code, _, _, err = bench(*flags, "--cert-file", "/absent", "--key-file", client.key)
    assert code == 2 and "/absent" in err


def test_tls_over_http(bench, notes, authority, tmp_path):
    server, client = authority.certify("server"), authority.certify("client")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.certificate, server.key)
    context.load_verify_locations(authority.file)
    context.verify_mode = ssl.CERT_REQUIRED
    notes.socket = context.wrap_socket(notes.socket, server_side=True)
    body = tmp_path / "body"
    body.write_text("{}")
    flags = ("--url", f"https://127.0.0.1:{notes.server_port}", "--path", "/x", "-m", "m",
             "--input", body, "--ca-file", authority.file, "-n", 3)
    code, report, out, _ = bench(*flags, "--cert-file", client.certificate,
                                 "--key-file", client.key)
    assert code == 0 and report["steps"][0]["answered"] == 3, out
    code, report, _, _ = bench(*flags)
    assert code == 1 and report["steps"][0]["errors"]["connection"]["count"] == 3


def test_a_baseline_is_compared_load_by_load(bench, instance, tmp_path):
    flags = ("--url", instance.url, "-m", "mlp-1", "-n", 20)
    before = tmp_path / "before.json"
    before.write_text(json.dumps(bench(*flags, "-c", "1,2")[1]))
    code, _, out, _ = bench(*flags, "-c", "2,3", "--baseline", before)
    assert code == 0
    (row,) = [line for line in out.split("now / baseline")[1].splitlines() if "client" in line]
    assert row.startswith("2 clients")
    code, _, _, err = bench(*flags, "--baseline", tmp_path / "absent")
    assert code == 2 and "absent" in err


def test_peers_are_measured_in_turn_with_sarai(instance, notes, tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(paths.ROOT / "bench")
    peers = importlib.import_module("peers")
    body = tmp_path / "body"
    body.write_text("{}")
    results = peers.run([
        "--sarai", f"sarai=http://{instance.http},pid={instance.pid}",
        "--sarai", f"sarai=grpc://{instance.grpc},pid={instance.pid}",
        "--peer", f"twin=http://{instance.http},pid={instance.pid}",
        "--peer", f"twin=grpc://{instance.grpc}",
        "--peer", f"notes=predictions://127.0.0.1:{notes.server_port}", "--input", str(body),
        "--model", "mlp-1", "--clients", "1,2", "--rounds", "2", "--duration", "200ms",
        "--warmup", "0s"])
    assert [(result["peer"], result["scheme"]) for result in results] == [
        ("twin", "http"), ("twin", "grpc"), ("notes", "predictions")]
    for result in results:
        assert [row["clients"] for row in result["rows"]] == [1, 2]
        for row in result["rows"]:
            assert row["throughput"]["ratio"] > 0 and len(row["p99"]["ratios"]) == 2
    assert "cpu" in results[0]["rows"][0] and "cpu" not in results[1]["rows"][0]
    assert {request[0] for request in notes.requests} == {"/predictions/mlp-1"}
    assert "Sarai / twin, grpc" in capsys.readouterr().out
