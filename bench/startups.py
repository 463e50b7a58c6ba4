"""A repository of 1, 64 and 1,000 models, beside another server that takes Triton's flags.

  ./dev bench startups --peer 'triton=tritonserver --http-address 127.0.0.1' [--counts 1,64,1000]

A peer is NAME=COMMAND; repository, control mode and ports are added to its command. Of each server
at each number of models, in turn: time to ready with all of them loaded at the start, threads,
memory (PSS, its child processes included), /metrics; and in explicit mode a load and an unload.
"""
import argparse
import contextlib
import pathlib
import shlex
import shutil
import statistics
import tempfile
import time

import requests

from testkit import models, paths
from testkit.process import Process
from testkit.s3 import free_port

READY_MAX_S, SCRAPES, ONE_BY_ONE = 300, 10, 50

FIGURES = {"start_ms": "start", "threads": "threads", "pss_mib": "PSS", "metrics_ms": "/metrics",
           "load_ms": "load", "unload_ms": "unload", "left_mib": "PSS when unloaded"}


class Server(Process):
    """One that runs with `mode` over `repository`, ready."""

    def __init__(self, command, repository, mode, log_path):
        ports = {name: free_port() for name in ("http", "grpc", "metrics")}
        begun = time.perf_counter()
        super().__init__([*shlex.split(command), "--model-repository", repository,
                          "--model-control-mode", mode,
                          *(f"--{name}-port={port}" for name, port in ports.items())], log_path)
        self._url = f"http://127.0.0.1:{ports['http']}"
        self._metrics = f"http://127.0.0.1:{ports['metrics']}/metrics"
        self._session = requests.Session()
        self._wait_for(f"{self._url}/v2/health/ready", begun + READY_MAX_S)
        self.start_ms = (time.perf_counter() - begun) * 1000
        self._wait_for(self._metrics, begun + READY_MAX_S)

    def _wait_for(self, url, until):
        while True:
            try:
                if self._session.get(url, timeout=5).status_code == 200:
                    return
            except requests.ConnectionError:
                pass
            if time.perf_counter() > until or self.popen.poll() is not None:
                raise RuntimeError(f"{self.command[0]} is not ready\n{self.log_tail()}")
            time.sleep(0.002)

    def timed(self, call, url):
        begun = time.perf_counter()
        answer = call(url, timeout=READY_MAX_S)
        taken = (time.perf_counter() - begun) * 1000
        assert answer.status_code == 200, answer.text
        return taken

    def scrape_ms(self):
        return statistics.median(self.timed(self._session.get, self._metrics)
                                 for _ in range(SCRAPES))

    def call_ms(self, call, names):
        """Of `load` or `unload`, one model after the other."""
        return statistics.median(
            self.timed(self._session.post, f"{self._url}/v2/repository/models/{name}/{call}")
            for name in names)

    def _processes(self):
        found, left = [], [self.pid]
        while left:
            pid = left.pop()
            found.append(pid)
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                with contextlib.suppress(FileNotFoundError):  # a thread that ends meanwhile
                    left += map(int, (task / "children").read_text().split())
        return found

    def threads(self):
        return sum(len(list(pathlib.Path(f"/proc/{pid}/task").iterdir()))
                   for pid in self._processes())

    def pss_mib(self):
        texts = (pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
                 for pid in self._processes())
        return sum(int(line.split()[1]) for text in texts for line in text.splitlines()
                   if line.startswith("Pss:")) / 1024


def measure(command, repository, log_path):
    server = Server(command, repository, "none", log_path)
    try:
        figures = {"start_ms": server.start_ms, "metrics_ms": server.scrape_ms(),
                   "threads": server.threads(), "pss_mib": server.pss_mib()}
    finally:
        server.kill()
    names = sorted(folder.name for folder in repository.iterdir())
    server = Server(command, repository, "explicit", log_path)
    try:
        figures["load_ms"] = server.call_ms("load", names[:ONE_BY_ONE])
        figures["unload_ms"] = server.call_ms("unload", names[:ONE_BY_ONE])
        figures["left_mib"] = server.pss_mib()
    finally:
        server.kill()
    return figures


def compare(ours, peer, repository, rounds, log_path):
    """figure -> the ratio's median over rounds, and both servers' own medians."""
    taken = []
    for number in range(rounds):
        pair = [ours, peer] if number % 2 == 0 else [peer, ours]
        figures = {command: measure(command, repository, log_path) for command in pair}
        taken.append((figures[ours], figures[peer]))
    return {figure: {"ratio": statistics.median(a[figure] / b[figure] for a, b in taken),
                     "sarai": statistics.median(a[figure] for a, _ in taken),
                     "peer": statistics.median(b[figure] for _, b in taken)}
            for figure in FIGURES}


def show(name, count, row):
    print(f"  {count} models, Sarai / {name} (below 1 is better)")
    for figure, text in FIGURES.items():
        cell = row[figure]
        print(f"    {text:<18}{cell['ratio']:>6.2f}   ({cell['sarai']:.1f} / {cell['peer']:.1f})",
              flush=True)


def parse(arguments):
    parser = argparse.ArgumentParser(prog="./dev bench startups", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--peer", required=True, help="NAME=COMMAND")
    add("--sarai-flag", action="append", default=[], help="further flag of `sarai instance`")
    add("--counts", type=lambda text: [int(n) for n in text.split(",")], default=[1, 64, 1000])
    add("--rounds", type=int, default=3)
    return parser.parse_args(arguments)


def run(arguments=()):
    options = parse(list(arguments))
    name, _, command = options.peer.partition("=")
    ours = shlex.join([str(paths.SARAI), "instance", *options.sarai_flag])
    rows = {}
    with tempfile.TemporaryDirectory(prefix="sarai-bench-", dir=paths.BUILD) as scratch:
        scratch = pathlib.Path(scratch)
        model = models.write_model_folder(models.mlp(1), scratch / "model", "onnx")
        config = (model / "config.pbtxt").read_text().replace('name: "model"\n', "")
        (model / "config.pbtxt").write_text(config)
        for count in options.counts:
            repository = scratch / f"repository{count}"
            for number in range(count):
                shutil.copytree(model, repository / f"m{number}")
            rows[count] = compare(ours, command, repository, options.rounds, scratch / "log")
            show(name, count, rows[count])
    return {"peer": name, "rounds": options.rounds, "rows": rows}
