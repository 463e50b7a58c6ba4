"""What a cold start costs when the model is on disk, and when it is not yet."""
import statistics

import numpy as np

from setup import RawClient, endpoint, through_gateway
from testkit import models
from testkit.sarai import kserve_binary

MODELS = 6


def run():
    x = np.zeros((1, 3, 224, 224), dtype=np.float32)
    content_type, body = kserve_binary("input", x, output="output")
    nets = {f"r{number}.tar.gz": models.resnet50(number) for number in range(MODELS)}
    taken = {"from S3": [], "from disk": [], "warm": []}
    # Room for two: the third pushes the first out, so the second round loads from disk.
    with endpoint(nets, "--instance-memory", "300MiB", "--instance-disk", "4GiB") as (serve, _, _2):
        client = RawClient(serve.url)
        for kind in ("from S3", "from disk"):
            for key in nets:
                request = through_gateway(key, body, content_type)
                for step in (kind, "warm"):
                    seconds, status, answer = client.request(request)
                    assert status == 200, answer
                    taken[step].append(seconds * 1000)
    result = {kind: {"median_ms": statistics.median(values), "min_ms": min(values),
                     "max_ms": max(values)} for kind, values in taken.items()}
    for kind, row in result.items():
        print(f"  {kind:<10} median {row['median_ms']:7.0f} ms  ({row['min_ms']:.0f} to "
              f"{row['max_ms']:.0f}), {row['median_ms'] / result['warm']['median_ms']:.1f} x warm")
    return result
