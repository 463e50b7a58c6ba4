"""A thousand models in one repository: time to ready, threads, memory, loads and unloads."""
import concurrent.futures
import pathlib
import shutil
import statistics
import tempfile
import time

import requests

from testkit import models, paths
from testkit.sarai import Instance

MODELS, ONE_BY_ONE, CLIENTS = 1000, 100, 4


def process_figures(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return {"threads": int(fields["Threads"]), "rss_mib": int(fields["VmRSS"].split()[0]) / 1024}


def timed(call, *arguments):
    begun = time.perf_counter()
    result = call(*arguments)
    return (time.perf_counter() - begun) * 1000, result


def post(session, server, path):
    answer = session.post(f"{server.url}/v2/repository{path}", timeout=120)
    assert answer.status_code == 200, answer.text
    return answer


def one_by_one(session, server):
    figures = {}
    for call in ("load", "unload"):
        times = [timed(post, session, server, f"/models/m{number}/{call}")[0]
                 for number in range(ONE_BY_ONE)]
        figures[f"{call}_median_ms"] = statistics.median(times)
        figures[f"{call}_max_ms"] = max(times)
    return figures


def load_all(server):
    def load(numbers):
        with requests.Session() as session:
            for number in numbers:
                post(session, server, f"/models/m{number}/load")

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(load, [range(first, MODELS, CLIENTS) for first in range(CLIENTS)]))


def on_demand(start):
    ready_ms, server = timed(start)
    try:
        figures = {"ready_ms": ready_ms, "empty": process_figures(server.pid)}
        with requests.Session() as session:
            figures["index_empty_ms"] = timed(post, session, server, "/index")[0]
            figures.update(one_by_one(session, server))
            figures["load_all_ms"] = timed(load_all, server)[0]
            figures["index_full_ms"] = timed(post, session, server, "/index")[0]
            metrics = [timed(session.get, f"http://{server.addresses['metrics']}/metrics")[0]
                       for _ in range(10)]
        figures["metrics_median_ms"] = statistics.median(metrics)
        figures["full"] = process_figures(server.pid)
        return figures
    finally:
        server.stop()


def all_at_start(start):
    ready_ms, server = timed(start, "--model-control-mode=none")
    try:
        return {"ready_ms": ready_ms, "full": process_figures(server.pid)}
    finally:
        server.stop()


def tell(figures):
    empty, full = figures["empty"], figures["full"]
    print(f"  on demand: ready {figures['ready_ms']:.0f} ms; "
          f"a load {figures['load_median_ms']:.1f} ms (max {figures['load_max_ms']:.0f}), "
          f"an unload {figures['unload_median_ms']:.1f} ms (max {figures['unload_max_ms']:.0f}); "
          f"all {MODELS} by {CLIENTS} clients {figures['load_all_ms'] / 1000:.1f} s")
    print(f"  threads {empty['threads']} -> {full['threads']}, RSS {empty['rss_mib']:.0f} -> "
          f"{full['rss_mib']:.0f} MiB; index {figures['index_empty_ms']:.0f} -> "
          f"{figures['index_full_ms']:.0f} ms; /metrics {figures['metrics_median_ms']:.0f} ms")


def run():
    with tempfile.TemporaryDirectory(prefix="sarai-bench-", dir=paths.BUILD) as scratch:
        scratch = pathlib.Path(scratch)
        model = models.write_model_folder(models.mlp(1), scratch / "model", "onnx")
        for number in range(MODELS):
            shutil.copytree(model, scratch / "repository" / f"m{number}")

        def start(*flags):
            return Instance(scratch / "instance.log", "--model-repository",
                            scratch / "repository", *flags)

        result = on_demand(start)
        tell(result)
        result["all_at_start"] = all_at_start(start)
        print(f"  all at the start: ready {result['all_at_start']['ready_ms'] / 1000:.1f} s")
    return result
