"""`sarai model quantize|convert`: what they make serves, and what they say of it is true."""
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tritonclient.http as triton

from testkit import models, paths

SAMPLES = 12


@pytest.fixture
def model(tmp_path):
    return models.write_model_folder(models.mlp(3, hidden=256), tmp_path / "mlp", "onnx")


@pytest.fixture
def samples(tmp_path):
    x = np.random.default_rng(7).standard_normal((SAMPLES, 16), dtype=np.float32)
    np.savez(tmp_path / "samples.npz", input=x)
    return tmp_path / "samples.npz"


def optimize(command, *flags, python=sys.executable):
    return subprocess.run([paths.SARAI, "model", command, "--python", python, *map(str, flags)],
                          capture_output=True, text=True, timeout=120, check=False)


def onnx_answers(folder, samples):
    x = np.load(samples)["input"]
    return models.onnx_answer(folder / "1" / "model.onnx", x)


@pytest.mark.parametrize("flags, smaller", [
    (("--to", "int8"), True), (("--to", "int8", "--method", "dynamic"), True),
    (("--to", "fp16"), True)])
def test_a_quantised_model_serves_and_its_report_is_true(model, samples, tmp_path, start_instance,
                                                         flags, smaller):
    made, report = tmp_path / "repository" / "small", tmp_path / "report.json"
    done = optimize("quantize", model, "-o", made, "--samples", samples, "--runs", 3,
                    "--report", report, *flags)
    assert done.returncode == 0, done.stderr
    told = json.loads(report.read_text())
    before, after = (folder / "1" / "model.onnx" for folder in (model, made))
    assert (told["original"]["bytes"], told["changed"]["bytes"]) == (before.stat().st_size,
                                                                     after.stat().st_size)
    assert (told["changed"]["bytes"] < told["original"]["bytes"]) == smaller
    expected, given = onnx_answers(model, samples), onnx_answers(made, samples)
    difference = told["outputs"]["output"]
    assert told["samples"] == SAMPLES and told["real_samples"]
    assert 0 < difference["max_difference"] < 0.5
    assert difference["max_difference"] == pytest.approx(np.abs(expected - given).max(), abs=1e-2)
    assert difference["same_class"] == pytest.approx(
        np.mean(expected.argmax(1) == given.argmax(1)), abs=1 / SAMPLES + 1e-9)
    assert "of your samples" in done.stdout

    server = start_instance("--model-repository", made.parent)
    x = np.load(samples)["input"][:1]
    tensor = triton.InferInput("input", list(x.shape), "FP32")
    tensor.set_data_from_numpy(x)
    with triton.InferenceServerClient(server.http) as client:
        answer = client.infer("small", [tensor]).as_numpy("output")
    np.testing.assert_allclose(answer, models.onnx_answer(after, x), rtol=1e-4, atol=1e-5)


def test_random_inputs_are_no_evidence(model, tmp_path):
    done = optimize("quantize", model, "-o", tmp_path / "made", "--runs", 1)
    assert done.returncode == 0, done.stderr
    assert "RANDOM samples: this says little about accuracy" in done.stdout


def test_only_what_must_changes_in_the_configuration(model, tmp_path):
    (model / "1" / "model.onnx").rename(model / "1" / "net.onnx")
    (model / "config.pbtxt").write_text("""# name: "comment"
name: "mlp", platform: "onnxruntime_onnx"
default_model_filename: "net.onnx"
max_batch_size: 8
input [
  {
    name: "input"
    data_type: TYPE_FP32
    dims: [ 16 ]
  }
]
output { name: "output" data_type: TYPE_FP32 dims: [ 4 ] label_filename: "labels.txt" }
parameters { key: "note" value { string_value: "name: } [" } }
""")
    (model / "labels.txt").write_text("a\nb\nc\nd\n")
    made = tmp_path / "made"
    done = optimize("quantize", model, "-o", made, "--runs", 1)
    assert done.returncode == 0, done.stderr
    assert (made / "config.pbtxt").read_text() == """# name: "comment"
platform: "onnxruntime_onnx"
max_batch_size: 8
input [
  {
    name: "input"
    data_type: TYPE_FP32
    dims: [ 16 ]
  }
]
output { name: "output" data_type: TYPE_FP32 dims: [ 4 ] label_filename: "labels.txt" }
parameters { key: "note" value { string_value: "name: } [" } }
"""
    assert (made / "1" / "model.onnx").exists() and (made / "labels.txt").exists()


def test_the_tensors_of_a_configuration_are_found_however_it_is_written(monkeypatch):
    monkeypatch.syspath_prepend(paths.ROOT / "src" / "optimize")
    import folder  # pylint: disable=import-outside-toplevel
    config = """
    input { name: "a" reshape { shape: [ ] } }  # name: "no"
    input: [ { name: 'b' dims: [ 1 ] }, { dims: 2 name: "c" } ]
    output [
      { data_type: TYPE_FP32
        name: "y" } ]
    instance_group [ { name: "g" kind: KIND_CPU } ]
    """
    assert folder.tensor_names(config, "input") == ["a", "b", "c"]
    assert folder.tensor_names(config, "output") == ["y"]


def refused(done, *words):
    assert done.returncode != 0
    assert "Traceback" not in done.stderr, done.stderr
    for word in words:
        assert word in done.stderr


def test_what_cannot_be_done_is_said(model, samples, tmp_path):
    made = tmp_path / "made"
    refused(optimize("quantize", model, "-o", made, "--method", "static"), "give --samples")
    refused(optimize("quantize", model, "-o", made, "--to", "bf16"), "convert --to openvino")
    refused(optimize("convert", model, "-o", made, "--to", "tensorrt"), "'tensorrt'", "--python")
    refused(optimize("quantize", model, "-o", made, python="/nowhere/python"), "cannot run")
    np.savez(samples, other=np.zeros((2, 16), np.float32))
    refused(optimize("quantize", model, "-o", made, "--samples", samples), "no array 'input'",
            "other")
    np.savez(samples, input=np.zeros((2, 15), np.float32))
    refused(optimize("quantize", model, "-o", made, "--samples", samples), "[1, 15]", "16]")
    samples.write_bytes(b"none")
    refused(optimize("quantize", model, "-o", made, "--samples", samples), "no .npz file")
    assert not made.exists()
    made.mkdir()
    refused(optimize("quantize", model, "-o", made, "--runs", 1), "exists already")


def test_a_corrupt_model_leaves_nothing_behind(model, tmp_path):
    (model / "1" / "model.onnx").write_bytes(b"no model")
    refused(optimize("quantize", model, "-o", tmp_path / "made"), "cannot be loaded")
    shutil.rmtree(model / "1")
    refused(optimize("quantize", model, "-o", tmp_path / "made"), "no version folder")
    assert not (tmp_path / "made").exists()
