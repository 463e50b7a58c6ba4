"""What the gateway adds to a warm request."""
import statistics

import numpy as np

from setup import RawClient, endpoint, invoke_bytes, summary, through_gateway
from testkit import models
from testkit.sarai import kserve_binary

ROUNDS, PER_ROUND = 30, 300


def run():
    x = np.zeros((1, 16), dtype=np.float32)
    content_type, body = kserve_binary("input", x, output="output")
    with endpoint({"tiny.tar.gz": models.mlp(1)}, "--instance-memory", "256MiB") as (serve, address,
                                                                                     _):
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
    result["p50_ratio"] = {"median": statistics.median(ratios), "min": min(ratios),
                           "max": max(ratios)}
    for name in times:
        print(f"  {name:<8} p50 {result[name]['p50_us']:7.0f} us   p99 "
              f"{result[name]['p99_us']:7.0f} us")
    ratio = result["p50_ratio"]
    print(f"  gateway / direct, p50 per round: median {ratio['median']:.2f} "
          f"({ratio['min']:.2f} to {ratio['max']:.2f})")
    return result
