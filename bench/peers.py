"""The same work against Sarai and against other model servers that are already running.

  ./dev bench peers --repository DIR --model NAME --peer triton=http://HOST:PORT,pid=123 …

Every round measures each server once at each number of clients, one after the other, with `sarai
bench`; what is told is the median over rounds of the ratio within a round, so that a machine that
is slow for a while is slow for both. Sarai is started here from --repository, or named by --sarai.

A peer is NAME=URL[,pid=PID]. The URL's scheme says how it is asked:

  http://HOST:PORT             KServe v2 over HTTP (Triton, MLServer, TorchServe's v2 routes)
  grpc://HOST:PORT             KServe v2 over gRPC (Triton, MLServer)
  predictions://HOST:PORT      POST /predictions/MODEL (TorchServe, Multi Model Server)
  post://HOST:PORT/PATH        POST to that path (Ray Serve); {} is the model's name

The last two send --input as it is; Sarai gets tensors of the model's shape, as KServe has them.
The server's CPU time per request is compared where a pid is given, so on one machine.
"""
import argparse
import contextlib
import dataclasses
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from testkit import paths
from testkit.sarai import Instance

FIGURES = {"throughput": "requests per second", "p50": "p50", "p99": "p99",
           "cpu": "server CPU per request"}


@dataclasses.dataclass
class Server:
    name: str
    scheme: str
    address: str
    path: str = ""
    pid: str = ""

    @classmethod
    def parse(cls, text):
        name, found, rest = text.partition("=")
        url, *options = rest.split(",")
        scheme, separator, where = url.partition("://")
        address, slash, path = where.partition("/")
        known = ("http", "grpc", "predictions", "post")
        if not found or not separator or scheme not in known:
            raise argparse.ArgumentTypeError(
                f"'{text}' is not NAME=SCHEME://HOST:PORT with a scheme of {', '.join(known)}")
        pid = ""
        for option in options:
            if not option.startswith("pid="):
                raise argparse.ArgumentTypeError(f"'{option}' is not pid=PID")
            pid = option[len("pid="):]
        return cls(name, scheme, address, slash + path, pid)

    def flags(self, options):
        where = {"grpc": ["--grpc", self.address],
                 "http": ["--url", f"http://{self.address}{self.path}"],
                 "predictions": ["--url", f"http://{self.address}", "--path", "/predictions/{}"],
                 "post": ["--url", f"http://{self.address}", "--path", self.path or "/"]}
        flags = where[self.scheme]
        if self.scheme in ("predictions", "post"):
            flags += ["--input", options.input, "--content-type", options.content_type]
        else:
            flags += [flag for shape in options.shape for flag in ("--shape", shape)]
            if options.json_tensors and self.scheme == "http":
                flags.append("--json-tensors")
        return flags + (["--pid", self.pid] if self.pid else [])


def measure(server, clients, options):
    """One step of `sarai bench`: figure -> number."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        command = [paths.SARAI, "bench", *server.flags(options), "-m", options.model,
                   "-c", clients, "-d", options.duration, "--warmup", options.warmup,
                   "--threads", options.threads, "--quiet", "--no-plot",
                   "--max-error-rate", 0, "--json", report.name]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            sys.exit(f"{server.name} at {clients} clients: {done.stderr}{done.stdout}")
        step = json.load(open(report.name, encoding="utf-8"))["steps"][0]
    figures = {"throughput": step["requests_per_second"],
               "p50": step["latency"]["all"]["p50_ms"], "p99": step["latency"]["all"]["p99_ms"]}
    if "server_us_per_request" in step["cpu"]:
        figures["cpu"] = step["cpu"]["server_us_per_request"]
    for warning in step["warnings"]:
        print(f"  ! {server.name}, {clients} clients: {warning}", flush=True)
    return figures


def compare(ours, peer, options):
    """One row per number of clients: ratios per round, and both servers' own medians."""
    taken = {clients: [] for clients in options.clients}
    for server in (ours, peer):
        measure(server, 1, options)  # loads the model where that is not done yet
    for number in range(options.rounds):
        for clients in options.clients:
            pair = [(0, ours), (1, peer)]
            figures = [None, None]
            for place, server in pair if number % 2 == 0 else reversed(pair):
                figures[place] = measure(server, clients, options)
            taken[clients].append(figures)
    return [{"clients": clients, **{figure: summary(rounds, figure) for figure in FIGURES
                                    if all(figure in f for pair in rounds for f in pair)}}
            for clients, rounds in taken.items()]


def summary(rounds, figure):
    ratios = [ours[figure] / peer[figure] for ours, peer in rounds if peer[figure] > 0]
    return {"ratio": statistics.median(ratios) if ratios else None,
            "ratios": ratios,
            "sarai": statistics.median(ours[figure] for ours, _ in rounds),
            "peer": statistics.median(peer[figure] for _, peer in rounds)}


def show(peer, rows):
    print(f"\nSarai / {peer.name}, {peer.scheme} (throughput: above 1 is better; others: below 1)")
    print(f"  {'clients':>8}" + "".join(f"{text:>26}" for text in FIGURES.values()))
    for row in rows:
        cells = []
        for figure in FIGURES:
            found = row.get(figure)
            if found is None or found["ratio"] is None:
                cells.append("-")
                continue
            cells.append(f"{found['ratio']:.2f} ({min(found['ratios']):.2f} to "
                         f"{max(found['ratios']):.2f})")
        print(f"  {row['clients']:>8}" + "".join(f"{cell:>26}" for cell in cells), flush=True)


@contextlib.contextmanager
def sarai(options):
    """Sarai's own front ends: scheme -> Server."""
    if options.sarai:
        yield {server.scheme: server for server in options.sarai}
        return
    with tempfile.TemporaryDirectory(prefix="sarai-bench-", dir=paths.BUILD) as scratch:
        instance = Instance(pathlib.Path(scratch) / "instance.log", "--model-repository",
                            options.repository, *options.sarai_flag)
        try:
            yield {scheme: Server("sarai", scheme, address, pid=str(instance.pid))
                   for scheme, address in (("http", instance.http), ("grpc", instance.grpc))}
        finally:
            instance.stop()


def parse(arguments):
    parser = argparse.ArgumentParser(prog="./dev bench peers", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--peer", type=Server.parse, action="append", required=True)
    add("--sarai", type=Server.parse, action="append", help="sarai=http://HOST:PORT[,pid=PID]")
    add("--repository", help="Sarai is started with this repository")
    add("--sarai-flag", action="append", default=[], help="further flag of `sarai instance`")
    add("--model", required=True, help="by this name on every server")
    add("--clients", type=lambda text: [int(n) for n in text.split(",")], default=[1, 4, 16, 64])
    add("--rounds", type=int, default=5)
    add("--duration", default="3s", help="of one measurement")
    add("--warmup", default="500ms", help="before each")
    add("--threads", type=int, default=1, help="of the load generator")
    add("--shape", action="append", default=[], help="of an input with variable dimensions")
    add("--json-tensors", action="store_true",
        help="numbers as JSON over HTTP, for servers that take no binary tensors (MLServer)")
    add("--input", help="body for peers that are asked by predictions:// or post://")
    add("--content-type", default="application/json")
    options = parser.parse_args(arguments)
    if not options.sarai and not options.repository:
        parser.error("give --repository, or where Sarai runs with --sarai")
    if not options.input and any(p.scheme in ("predictions", "post") for p in options.peer):
        parser.error("give what is sent to predictions:// or post:// with --input")
    return options


def run(arguments=()):
    options = parse(list(arguments))
    results = []
    with sarai(options) as servers:
        for peer in options.peer:
            ours = servers["grpc" if peer.scheme == "grpc" else "http"]
            rows = compare(ours, peer, options)
            show(peer, rows)
            results.append({"peer": peer.name, "scheme": peer.scheme, "model": options.model,
                            "rounds": options.rounds, "duration": options.duration, "rows": rows})
    return results
