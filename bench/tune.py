"""The configuration that `sarai model tune` finds beside the best of a grid made by hand.

Every point of the grid, and what was found, is loaded with its configuration and measured by
`sarai bench`, all in turn in every round; each is worth its median at the best number of clients.
"""
import itertools
import pathlib
import shutil
import statistics
import subprocess
import tempfile

import peers
from testkit import models, paths
from testkit.sarai import Instance

ROUNDS, CLIENTS, DURATION = 3, (1, 4, 16), "2s"
DYNAMIC = "dynamic_batching {{ max_queue_delay_microseconds: {} }}"
ONE_THREAD = 'parameters { key: "intra_op_thread_count" value { string_value: "1" } }'
GRID = {"instances": (1, 2), "batching": ("", DYNAMIC.format(0), DYNAMIC.format(1000)),
        "threads": ("", ONE_THREAD)}


def tuned_config(model, scratch):
    subprocess.run([paths.SARAI, "model", "tune", model, "--clients", ",".join(map(str, CLIENTS)),
                    "-o", scratch / "best.pbtxt"], check=True, stdout=subprocess.DEVNULL)
    return (scratch / "best.pbtxt").read_text(encoding="utf-8")


def repository_of(model, configs, scratch):
    for name, config in configs.items():
        folder = scratch / "repository" / name
        shutil.copytree(model, folder)
        (folder / "config.pbtxt").write_text(config, encoding="utf-8")
    return scratch / "repository"


def without_name(config):
    return config.replace('name: "resnet50"\n', "")


def run():
    with tempfile.TemporaryDirectory(prefix="sarai-bench-", dir=paths.BUILD) as scratch:
        scratch = pathlib.Path(scratch)
        model = models.write_model_folder(models.resnet50(1), scratch / "resnet50", "onnx")
        given = without_name((model / "config.pbtxt").read_text(encoding="utf-8"))
        configs = {f"grid{number}": "\n".join(
                       [given, f"instance_group {{ count: {instances} kind: KIND_CPU }}", *rest])
                   for number, (instances, *rest) in enumerate(itertools.product(*GRID.values()))}
        configs["tuned"] = without_name(tuned_config(model, scratch))
        instance = Instance(scratch / "log", "--model-repository",
                            repository_of(model, configs, scratch))
        try:
            best = measure(instance, configs)
        finally:
            instance.stop()
    hand = max(rate for name, rate in best.items() if name != "tuned")
    print(f"  tuned {best['tuned']:.1f} requests/s, best of {len(configs) - 1} by hand {hand:.1f}: "
          f"{best['tuned'] / hand:.2f}")
    return {"ratio": best["tuned"] / hand, "requests_per_second": best, "configs": configs}


def measure(instance, configs):
    server = peers.Server("sarai", "http", instance.http)
    taken = {(name, clients): [] for name in configs for clients in CLIENTS}
    for _ in range(ROUNDS):
        for name, clients in taken:
            options = peers.parse(["--peer", "none=http://none", "--sarai", "sarai=http://none",
                                   "--model", name, "--duration", DURATION])
            taken[name, clients].append(peers.measure(server, clients, options)["throughput"])
    return {name: max(statistics.median(taken[name, clients]) for clients in CLIENTS)
            for name in configs}
