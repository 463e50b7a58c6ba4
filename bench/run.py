"""./dev bench [NAME…]: measures, as ratios within one run; raw results go to build/bench/.

  gateway   p50 of a warm tiny request through gateway and instance, over the same sent straight
            to the instance: InvokeEndpoint, KServe over HTTP and over gRPC
  cold      first request of a model that is on disk, over a warm one
  churn     requests over three times more models than fit, over warm ones; memory held
  metrics   /metrics of an instance with a thousand models loaded
  many      a thousand models in one repository: ready, loads, unloads, threads, memory
  quantize  ResNet-50 in int8 beside fp32: size, speed, answers
  tune      what `sarai model tune` finds beside the best of a grid made by hand
  peers     the same work against other servers that run already (./dev bench peers --help);
            not among those that run when none is named
  startups  start, threads, memory, /metrics, loads and unloads of a repository of 1, 64 and 1,000
            models, beside another server (./dev bench startups --help); not among those either
"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import churn  # noqa: E402
import cold  # noqa: E402
import gateway  # noqa: E402
import many  # noqa: E402
import metrics  # noqa: E402
import peers  # noqa: E402
import quantize  # noqa: E402
import startups  # noqa: E402
import tune  # noqa: E402
from testkit import paths  # noqa: E402

BENCHES = {"gateway": gateway.run, "cold": cold.run, "churn": churn.run,
           "metrics": metrics.run, "many": many.run, "quantize": quantize.run,
           "tune": tune.run}
BESIDE_OTHERS = {"peers": peers.run, "startups": startups.run}


def main():
    if sys.argv[1:2] and sys.argv[1] in BESIDE_OTHERS:
        name, *arguments = sys.argv[1:]
        return measure(name, lambda: BESIDE_OTHERS[name](arguments))
    wanted = sys.argv[1:] or list(BENCHES)
    unknown = [name for name in wanted if name not in BENCHES]
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(unknown)}; there are "
                 f"{', '.join([*BENCHES, *BESIDE_OTHERS])}")
    for name in wanted:
        measure(name, BENCHES[name])


def measure(name, bench):
    out = paths.ROOT / "build" / "bench"
    out.mkdir(parents=True, exist_ok=True)
    print(f"== {name}", flush=True)
    (out / f"{name}.json").write_text(json.dumps(bench(), indent=1) + "\n")


if __name__ == "__main__":
    main()
