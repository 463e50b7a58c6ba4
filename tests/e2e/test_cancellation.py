"""Requests of clients that left: what has not begun to run never does."""
import socket

import numpy as np
import pytest
import requests
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http

from testkit.sarai import kserve_json
from waiting import wait_until

X = np.arange(4, dtype=np.float32).reshape(1, 4)

# A request waits for a second one, far longer than any test.
PAIR = """name: "pair" backend: "identity" max_batch_size: 2
input { name: "INPUT0" data_type: TYPE_FP32 dims: 4 }
output { name: "OUTPUT0" data_type: TYPE_FP32 dims: 4 }
dynamic_batching { preferred_batch_size: 2 max_queue_delay_microseconds: 600000000 }
"""


@pytest.fixture
def server(start_instance, tmp_path):
    folder = tmp_path / "repository" / "pair"
    (folder / "1").mkdir(parents=True)
    (folder / "config.pbtxt").write_text(PAIR)
    instance = start_instance("--model-repository", tmp_path / "repository")
    triton_http.InferenceServerClient(instance.http).load_model("pair")
    return instance


def raw_request(server, path):
    """A client that has sent its request and not read its answer."""
    host, port = server.http.rsplit(":", 1)
    connection = socket.create_connection((host, int(port)))
    body = kserve_json("INPUT0", X).encode()
    connection.sendall(f"POST {path} HTTP/1.1\r\nHost: sarai\r\nContent-Length: {len(body)}\r\n"
                       f"Content-Type: application/json\r\n\r\n".encode() + body)
    return connection.close


def http_request(server):
    return raw_request(server, "/v2/models/pair/infer")


def mme_request(server):
    return raw_request(server, "/models/pair/invoke")


def grpc_request(server):
    client = triton_grpc.InferenceServerClient(server.grpc)
    tensor = triton_grpc.InferInput("INPUT0", [1, 4], "FP32")
    tensor.set_data_from_numpy(X)
    call = client.async_infer("pair", [tensor], lambda result, error: None)

    def leave():
        call.cancel()
        client.close()

    return leave


def metric(server, name, label='model="pair"'):
    text = requests.get(f"http://{server.addresses['metrics']}/metrics", timeout=30).text
    return sum(float(line.split()[-1]) for line in text.splitlines()
               if line.startswith(name + "{") and label in line)


def pending(server):
    return metric(server, "nv_inference_pending_request_count")


@pytest.mark.parametrize("send", [http_request, mme_request, grpc_request])
def test_a_request_that_waits_is_not_run_when_its_client_leaves(server, send):
    leave = send(server)
    wait_until(lambda: pending(server) == 1, "the request waits")
    leave()
    wait_until(lambda: pending(server) == 0, "the request has gone")

    client = triton_http.InferenceServerClient(server.http, concurrency=2)
    tensor = triton_http.InferInput("INPUT0", [1, 4], "FP32")
    tensor.set_data_from_numpy(X)
    answers = [client.async_infer("pair", [tensor]) for _ in range(2)]
    for answer in answers:
        np.testing.assert_array_equal(answer.get_result().as_numpy("OUTPUT0"), X)
    stats = client.get_inference_statistics("pair")["model_stats"][0]
    assert (stats["inference_count"], stats["execution_count"]) == (2, 1)
    assert stats["inference_stats"]["success"]["count"] == 2
    assert metric(server, "nv_inference_request_failure", 'reason="CANCELED"') == 1
