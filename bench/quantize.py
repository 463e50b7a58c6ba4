"""ResNet-50 in int8 beside fp32, by `sarai model quantize`: size, speed of one run, answers.

The weights are random, so the answers say what rounding does and not what a trained model loses.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

from testkit import models, paths

SAMPLES, RUNS = 16, 40


def run():
    with tempfile.TemporaryDirectory(prefix="sarai-bench-", dir=paths.BUILD) as scratch:
        scratch = pathlib.Path(scratch)
        model = models.write_model_folder(models.resnet50(1), scratch / "resnet50", "onnx")
        x = np.random.default_rng(1).standard_normal((SAMPLES, 3, 224, 224), dtype=np.float32)
        np.savez(scratch / "samples.npz", input=x)
        subprocess.run([paths.SARAI, "model", "quantize", "--python", sys.executable, model,
                        "-o", scratch / "int8", "--samples", scratch / "samples.npz",
                        "--runs", str(RUNS), "--report", scratch / "report.json"], check=True)
        return json.loads((scratch / "report.json").read_text(encoding="utf-8"))
