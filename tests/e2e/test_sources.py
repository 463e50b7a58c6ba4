"""The forms in which a model may lie below a prefix, and the walk-through's warm-up."""
import os
import subprocess

import numpy as np
import pytest
import tritonclient.http as triton

from testkit import models, paths
from testkit.process import Process
from testkit.s3 import put_folder
from testkit.sarai import create_endpoint, first_output, kserve_json

# As in the walk-through: 128 random pictures, smaller here.
WARMUP = """model_warmup [ {
  name: "bs128 Warmup"
  batch_size: 128
  inputs { key: "input" value { data_type: TYPE_FP32 dims: [ 16 ] zero_data: false } }
} ]
"""


def invoke(runtime, endpoint, target, x, input_name="input"):
    response = runtime.invoke_endpoint(EndpointName=endpoint, TargetModel=target,
                                       Body=kserve_json(input_name, x))
    return first_output(response["Body"].read())


def test_every_archive_form_and_a_plain_folder_are_served(start_serve, bucket, zoo, tmp_path):
    client, name = bucket
    folder = zoo.folder("onnx", 6)
    targets = []
    for suffix in (".tar.gz", ".tar.zst", ".tar"):
        archive = models.pack(folder, tmp_path / f"m{suffix}")
        client.upload_file(str(archive), name, f"deep/er/m{suffix}")
        targets.append(f"er/m{suffix}")
    put_folder(client, name, folder, "deep/loose/")
    targets.append("loose/")
    serve = start_serve("--instance-memory", "256MiB")
    create_endpoint(serve.client("sagemaker"), "forms", f"s3://{name}/deep")
    runtime = serve.client("sagemaker-runtime")
    for target in targets:
        np.testing.assert_allclose(invoke(runtime, "forms", target, zoo.x),
                                   zoo.expected("onnx", 6), rtol=1e-5, atol=1e-6)
    explained = serve.get("/sarai/v1/explain?model=loose/")
    assert explained["instances"][0]["state"] == "ready"


def test_a_prefix_on_a_local_disk(start_serve, zoo, tmp_path):
    models.pack(zoo.folder("pt", 6), tmp_path / "m.tar.gz")
    serve = start_serve("--instance-memory", "256MiB")
    create_endpoint(serve.client("sagemaker"), "local", f"file://{tmp_path}/")
    np.testing.assert_allclose(
        invoke(serve.client("sagemaker-runtime"), "local", "m.tar.gz", zoo.x, "INPUT__0"),
        zoo.expected("pt", 6), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("warmup", [WARMUP, WARMUP.replace("zero_data: false", "zero_data: true"),
                                    WARMUP.replace("zero_data: false", "random_data: true")])
def test_the_walk_throughs_warm_up_runs_before_the_first_answer(start_instance, tmp_path, warmup):
    net = models.mlp(3)
    folder = models.write_model_folder(net, tmp_path / "repository" / "warm", "onnx",
                                       max_batch_size=128, extra_config=warmup)
    server = start_instance("--model-repository", folder.parent)
    status = server.get("/sarai/v1/explain?model=warm")
    assert status["state"] != "ready"
    client = triton.InferenceServerClient(server.http)
    client.load_model("warm")
    assert client.is_model_ready("warm")
    assert client.get_model_config("warm")["model_warmup"][0]["name"] == "bs128 Warmup"


def test_flags_are_variables_too(tmp_path, zoo):
    instance = Process([paths.SARAI, "instance"], tmp_path / "log", env={
        "SARAI_MODEL_REPOSITORY": str(zoo.folder("onnx", 1).parent), "SARAI_HTTP_PORT": "0",
        "SARAI_INSTANCE_ID": "by-variable"})
    line = instance.wait_for_line("sarai: ready ")
    address = dict(part.split("=") for part in line.split()[2:])["http"]
    out = subprocess.run([paths.SARAI, "explain", "mlp", "--url", f"http://{address}"],
                         capture_output=True, text=True, check=True, env=dict(os.environ)).stdout
    assert "by-variable" in out
    assert instance.stop() == 0
