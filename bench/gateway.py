"""What the gateway adds to a warm request: InvokeEndpoint, KServe over HTTP and over gRPC."""
import contextlib
import json
import statistics
import subprocess

import numpy as np

from setup import ENDPOINT, RawClient, endpoint, invoke_bytes, summary, through_gateway
from testkit import models, paths
from testkit.sarai import Instance, kserve_binary

ROUNDS, PER_ROUND = 30, 300
KSERVE_ROUNDS, KSERVE_PER_ROUND = 30, 300


def run():
    with endpoint({"tiny.tar.gz": models.mlp(1)}, "--instance-memory", "256MiB") as (
            serve, address, scratch), single_instance(scratch) as instance:
        return {"invoke": invoke(serve, address),
                "kserve_http": kserve(["--url", f"{serve.url}/endpoints/{ENDPOINT}",
                                       "-m", "tiny.tar.gz"],
                                      ["--url", address_url(address), "-m", "tiny.tar.gz"],
                                      scratch, "KServe over HTTP"),
                "kserve_grpc": kserve(["--grpc", serve.grpc, "--header",
                                       f"sarai-endpoint: {ENDPOINT}", "-m", "tiny.tar.gz"],
                                      ["--grpc", instance.grpc, "-m", "tiny"],
                                      scratch, "KServe over gRPC")}


def address_url(address):
    return address if address.startswith("http") else f"http://{address}"


@contextlib.contextmanager
def single_instance(scratch):
    """The same model behind a gRPC port that is known: those of an endpoint's instances are not."""
    models.write_model_folder(models.mlp(1), scratch / "single" / "tiny", "onnx")
    instance = Instance(scratch / "instance.log", "--model-repository", scratch / "single")
    try:
        yield instance
    finally:
        instance.stop()


def kserve(through, direct, scratch, title):
    """p50 of `sarai bench` with one client, through the gateway and directly, in turn."""
    def p50(flags):
        report = scratch / "report.json"
        subprocess.run([paths.SARAI, "bench", *flags, "-c", "1", "-n", str(KSERVE_PER_ROUND),
                        "--quiet", "--no-plot", "--json", report], check=True,
                       stdout=subprocess.DEVNULL)
        (step,) = json.loads(report.read_text())["steps"]
        assert step["failed"] == 0, step["errors"]
        return step["latency"]["all"]["p50_ms"] * 1000

    rounds = [(p50(through), p50(direct)) for _ in range(KSERVE_ROUNDS + 1)][1:]
    result = {"gateway": {"p50_us": statistics.median(pair[0] for pair in rounds)},
              "direct": {"p50_us": statistics.median(pair[1] for pair in rounds)},
              "p50_ratio": spread([pair[0] / pair[1] for pair in rounds])}
    print(title)
    for name in ("direct", "gateway"):
        print(f"  {name:<8} p50 {result[name]['p50_us']:7.0f} us")
    tell(result["p50_ratio"])
    return result


def spread(ratios):
    return {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}


def tell(ratio):
    print(f"  gateway / direct, p50 per round: median {ratio['median']:.2f} "
          f"({ratio['min']:.2f} to {ratio['max']:.2f})", flush=True)


def invoke(serve, address):
    x = np.zeros((1, 16), dtype=np.float32)
    content_type, body = kserve_binary("input", x, output="output")
    clients = {"direct": RawClient(address), "gateway": RawClient(serve.url)}
    requests = {"direct": invoke_bytes("/models/tiny.tar.gz/invoke", "tiny.tar.gz", body,
                                       content_type),
                "gateway": through_gateway("tiny.tar.gz", body, content_type)}
    times = {name: [] for name in clients}
    ratios = []
    for round_number in range(ROUNDS + 1):
        medians = {}
        for name in clients:
            taken = []
            for _ in range(PER_ROUND):
                seconds, status, answer = clients[name].request(requests[name])
                assert status == 200, answer
                taken.append(seconds)
            medians[name] = statistics.median(taken)
            if round_number:  # the first one warms up
                times[name] += taken
        if round_number:
            ratios.append(medians["gateway"] / medians["direct"])
    result = {name: summary(taken) for name, taken in times.items()}
    result["p50_ratio"] = spread(ratios)
    print("InvokeEndpoint")
    for name in times:
        print(f"  {name:<8} p50 {result[name]['p50_us']:7.0f} us   p99 "
              f"{result[name]['p99_us']:7.0f} us")
    tell(result["p50_ratio"])
    return result
