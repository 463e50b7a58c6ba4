"""OpenVINO in its host: a ResNet-50's answers beside ONNX Runtime's own, and a kill under load."""
import os
import pathlib
import signal
import threading

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from testkit import models, paths
from waiting import wait_until

pytestmark = pytest.mark.skipif(
    not (paths.BUILD / "lib/sarai/backends/libsarai_openvino.so").exists(),
    reason="OpenVINO is not installed: ./dev setup --backend openvino")

CONFIG = """backend: "openvino"
default_model_filename: "model.onnx"
max_batch_size: 8
"""
BF16 = 'parameters { key: "HINT_BF16" value { string_value: "YES" } }\n'


def write_model(repository, name, net, extra=""):
    folder = repository / name
    (folder / "1").mkdir(parents=True)
    (folder / "config.pbtxt").write_text(CONFIG + extra)
    net.write_onnx(folder / "1" / "model.onnx")
    return folder / "1" / "model.onnx"


def infer(url, model, x):
    client = triton.InferenceServerClient(url)
    tensor = triton.InferInput("input", list(x.shape), "FP32").set_data_from_numpy(x)
    return client.infer(model, [tensor]).as_numpy("output")


def test_a_resnet_answers_as_in_onnx_runtime(start_instance, tmp_path):
    net = models.resnet50(1)
    file = write_model(tmp_path / "repository", "resnet", net)
    write_model(tmp_path / "repository", "coarse", net, BF16)
    server = start_instance("--model-repository", tmp_path / "repository")
    for batch in (1, 3):
        x = np.random.default_rng(batch).standard_normal((batch, 3, 224, 224), dtype=np.float32)
        expected = models.onnx_answer(file, x)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(infer(server.http, "resnet", x), expected, atol=1e-4 * scale)
        np.testing.assert_allclose(infer(server.http, "coarse", x), expected, atol=0.05 * scale)


def hosts_of(server):
    """Process ids of its backend hosts."""
    found = []
    for task in pathlib.Path(f"/proc/{server.pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def test_a_host_killed_under_load_costs_errors_and_comes_back(start_instance, tmp_path):
    file = write_model(tmp_path / "repository", "mlp", models.mlp(1))
    server = start_instance("--model-repository", tmp_path / "repository")
    x = np.random.default_rng(1).standard_normal((2, 16), dtype=np.float32)
    expected = models.onnx_answer(file, x)
    np.testing.assert_allclose(infer(server.http, "mlp", x), expected, rtol=1e-5, atol=1e-6)
    (host,) = hosts_of(server)
    stop = threading.Event()
    wrong = []

    def load():
        while not stop.is_set():
            try:
                answer = infer(server.http, "mlp", x)
            except InferenceServerException:
                continue
            if not np.allclose(answer, expected, rtol=1e-5, atol=1e-6):
                wrong.append(answer)

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    os.kill(host, signal.SIGKILL)

    def served_again():
        if hosts_of(server) in ([], [host]):
            return False
        try:
            return np.allclose(infer(server.http, "mlp", x), expected, rtol=1e-5, atol=1e-6)
        except InferenceServerException:
            return False

    wait_until(served_again, "an answer from a new host")
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
