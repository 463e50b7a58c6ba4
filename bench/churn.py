"""Three times more models than fit, in random order: what it costs, and what memory is held."""
import json
import pathlib
import random
import re
import statistics

import numpy as np

from setup import RawClient, endpoint, through_gateway
from testkit import models
from testkit.sarai import kserve_binary

MODELS, REQUESTS, BUDGET_MIB = 30, 600, 170


def private_mib(pids):
    total = 0
    for pid in pids:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += sum(int(kb) for kb in re.findall(r"Private_(?:Clean|Dirty):\s+(\d+)", text))
    return total / 1024


def run():
    x = np.zeros((1, 16), dtype=np.float32)
    content_type, body = kserve_binary("input", x, output="output")
    nets = {f"m{number}.tar.gz": models.mlp(number, hidden=200_000) for number in range(MODELS)}
    order = random.Random(5)
    with endpoint(nets, "--instance-memory", f"{BUDGET_MIB}MiB") as (serve, address, _):
        status_client = RawClient(address)

        def pids():
            _, _, text = status_client.request(
                b"GET /sarai/v1/status HTTP/1.1\r\nHost: bench\r\n\r\n")
            status = json.loads(text)
            return [status["pid"], *status["host_pids"]]

        empty = private_mib(pids())
        client = RawClient(serve.url)
        taken, held = [], []
        for number in range(REQUESTS):
            request = through_gateway(order.choice(list(nets)), body, content_type)
            seconds, status, answer = client.request(request)
            assert status == 200, answer
            taken.append(seconds * 1000)
            if number % 20 == 0:
                held.append(private_mib(pids()) - empty)
    result = {"median_ms": statistics.median(taken), "max_ms": max(taken),
              "budget_mib": BUDGET_MIB, "held_mib_median": statistics.median(held),
              "held_mib_max": max(held)}
    print(f"  {REQUESTS} requests over {MODELS} models of 17 MB: median "
          f"{result['median_ms']:.1f} ms, max {result['max_ms']:.0f} ms")
    print(f"  private memory beyond the empty instance: median {result['held_mib_median']:.0f} MiB,"
          f" max {result['held_mib_max']:.0f} MiB of a budget of {BUDGET_MIB} MiB")
    return result
