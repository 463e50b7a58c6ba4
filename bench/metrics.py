"""/metrics of one instance with a thousand models loaded: how long it takes, how long it is."""
import pathlib
import shutil
import statistics
import tempfile
import time

import requests

from testkit import models, paths
from testkit.sarai import Instance

MODELS, SCRAPES = 1000, 30


def load_all(server):
    with requests.Session() as session:
        for number in range(MODELS):
            answer = session.post(f"http://{server.http}/v2/models/m{number}/infer", json={
                "inputs": [{"name": "input", "datatype": "FP32", "shape": [1, 16],
                            "data": [0.0] * 16}]}, timeout=60)
            assert answer.status_code == 200, answer.text


def scrape(session, address, accept):
    begun = time.perf_counter()
    answer = session.get(f"http://{address}/metrics", headers={"Accept": accept}, timeout=60)
    taken = (time.perf_counter() - begun) * 1000
    assert answer.text.count("nv_inference_count{") == MODELS
    return taken, len(answer.content)


def run():
    with tempfile.TemporaryDirectory(prefix="sarai-bench-", dir=paths.BUILD) as scratch:
        scratch = pathlib.Path(scratch)
        model = models.write_model_folder(models.mlp(1), scratch / "model", "onnx")
        for number in range(MODELS):
            shutil.copytree(model, scratch / "repository" / f"m{number}")
        server = Instance(scratch / "instance.log", "--model-repository", scratch / "repository")
        try:
            load_all(server)
            with requests.Session() as session:
                result = {"models": MODELS}
                for name, accept in (("text", "text/plain"),
                                     ("openmetrics", "application/openmetrics-text")):
                    taken = [scrape(session, server.addresses["metrics"], accept)
                             for _ in range(SCRAPES)]
                    times = [ms for ms, _ in taken]
                    result[name] = {"median_ms": statistics.median(times), "max_ms": max(times),
                                    "bytes": taken[-1][1]}
                    print(f"  {MODELS} models, {name}: median {statistics.median(times):.1f} ms, "
                          f"max {max(times):.1f} ms, {taken[-1][1] / 1e6:.2f} MB")
        finally:
            server.stop()
    return result
