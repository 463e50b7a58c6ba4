"""The examples do what they say."""
import subprocess
import sys

from testkit import paths
from testkit.process import Process

EXAMPLES = paths.ROOT / "examples"


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          check=True, timeout=120).stdout


def test_multi_model_endpoint(start_serve, bucket, zoo):
    client, name = bucket
    for number in (1, 2):
        client.upload_file(str(zoo.archive("onnx", number)), name, f"{number}.tar.gz")
    serve = start_serve("--instance-memory", "256MiB")
    out = run(sys.executable, EXAMPLES / "multi_model_endpoint.py", serve.url, f"s3://{name}/",
              "input", "1.tar.gz", "2.tar.gz").splitlines()
    assert [line.split()[:2] for line in out] == [["1.tar.gz", "cold"], ["2.tar.gz", "cold"],
                                                  ["1.tar.gz", "warm"], ["2.tar.gz", "warm"]]


def test_kserve_client(start_instance, zoo):
    server = start_instance("--model-repository", zoo.folder("onnx", 1).parent)
    out = run(sys.executable, EXAMPLES / "kserve_client.py", server.http, "mlp")
    assert "repository: ['mlp']" in out and "output" in out


def test_load_by_path(start_instance, zoo, tmp_path):
    server = start_instance("--model-repository", tmp_path)
    out = run("sh", EXAMPLES / "load_by_path.sh", server.url, zoo.folder("pt", 1), "INPUT__0")
    assert '"modelName"' in out and "OUTPUT__0" in out


def test_configuration_file(tmp_path):
    serve = Process([paths.SARAI, "--config", EXAMPLES / "sarai.toml", "serve", "--state",
                     tmp_path / "state"], tmp_path / "log")
    assert serve.wait_for_line("sarai: ready on http://127.0.0.1:")
    assert serve.stop() == 0
