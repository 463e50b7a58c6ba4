"""./dev demo: AWS's walk-through of GPU multi-model endpoints, on this machine.

26 ResNet-50s of two frameworks behind one endpoint whose two instances hold about 8 each: what is
asked for is fetched from S3, loaded and answered; what is worth least makes room. Nothing here
knows Sarai: the calls are plain boto3.
"""
import argparse
import json
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import urllib.parse

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from demo import models as demo_models  # noqa: E402
from testkit import paths  # noqa: E402
from testkit.s3 import S3Server  # noqa: E402
from testkit.sarai import Serve  # noqa: E402

BUCKET, PREFIX = "sarai-demo", "resnet-mme/"
ENDPOINT = "resnet-mme"
ROUNDS = 2
TOLERANCE = 1e-3  # of the largest output: kernels sum in another order


def say(text=""):
    print(text, flush=True)


def progress(done, total, what):
    if sys.stdout.isatty():
        bar = "#" * (30 * done // total)
        print(f"\r  [{bar:<30}] {done}/{total} {what:<28}", end="\n" if done == total else "",
              flush=True)
    else:
        say(f"  {done}/{total} {what}")


def create_endpoint(sagemaker):
    """The walk-through's control calls, word by word."""
    container = {"Image": "sarai-tritonserver", "ModelDataUrl": f"s3://{BUCKET}/{PREFIX}",
                 "Mode": "MultiModel"}
    sagemaker.create_model(ModelName="resnet-mme-model",
                           ExecutionRoleArn="arn:aws:iam::123456789012:role/SageMakerRole",
                           PrimaryContainer=container)
    sagemaker.create_endpoint_config(
        EndpointConfigName="resnet-mme-config",
        ProductionVariants=[{"InstanceType": "ml.g4dn.4xlarge", "InitialVariantWeight": 1,
                             "InitialInstanceCount": 2, "ModelName": "resnet-mme-model",
                             "VariantName": "AllTraffic"}])
    sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName="resnet-mme-config")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=ENDPOINT,
                                                     WaiterConfig={"Delay": 1, "MaxAttempts": 60})


class Client:
    """Invokes as the walk-through does, and checks every answer."""

    def __init__(self, runtime):
        self.runtime = runtime
        picture = demo_models.picture()
        self.payloads = {
            framework: json.dumps({"inputs": [{"name": name, "shape": list(picture.shape),
                                               "datatype": "FP32",
                                               "data": picture.ravel().tolist()}]})
            for framework, name in (("pt", "INPUT__0"), ("onnx", "input"))}
        self.worst = 0.0

    def invoke(self, model):
        """(milliseconds, "warm" or "cold", instance)"""
        start = time.monotonic()
        response = self.runtime.invoke_endpoint(
            EndpointName=ENDPOINT, ContentType="application/octet-stream",
            Body=self.payloads[model.framework], TargetModel=model.key)
        body = json.loads(response["Body"].read())
        milliseconds = (time.monotonic() - start) * 1000
        output = np.array(body["outputs"][0]["data"], dtype=np.float32).reshape(1, -1)
        error = np.abs(output - model.expected).max() / np.abs(model.expected).max()
        self.worst = max(self.worst, error)
        if error > TOLERANCE:
            raise SystemExit(f"{model.key}: the answer differs from the runtime's own by {error}")
        headers = response["ResponseMetadata"]["HTTPHeaders"]
        return milliseconds, headers["x-sarai-model-state"], headers["x-sarai-instance"]


def run_rounds(client, models):
    """{key: {"cold": ms, "warm": ms, "again": (ms, state)}}"""
    results = {model.key: {} for model in models}
    for round_number in range(1, ROUNDS + 1):
        say(f"\nRound {round_number}: all {len(models)} models, each twice")
        for number, model in enumerate(models, 1):
            first, state, instance = client.invoke(model)
            second, _, _ = client.invoke(model)
            row = results[model.key]
            if round_number == 1:
                row.update(cold=first, warm=second)
            else:
                row["again"] = (first, state)
            progress(number, len(models), f"{model.key} {first:.0f} ms {state} on {instance}")
    return results


def describe(explanation):
    """(where the bytes are, why it was last evicted) over all instances."""
    where, why = [], "-"
    for instance in explanation.get("instances", [explanation]):
        name = instance.get("instance", "?").rsplit("-", 1)[-1]
        memory, disk = instance.get("memory_bytes", 0), instance.get("disk_bytes", 0)
        if instance.get("state") == "ready":
            where.append(f"{name}: {memory / 2**20:.0f} MiB memory")
        elif disk:
            where.append(f"{name}: {disk / 2**20:.0f} MiB disk")
        if instance.get("evictions"):
            why = instance["last_unload_reason"]
    return ", ".join(where) or "S3 only", why


def print_table(serve, models, results):
    say(f"\n{'model':<24}{'framework':<10}{'cold ms':>8}{'warm ms':>8}{'2nd round':>16}"
        f"  {'where its bytes are':<44}why evicted last")
    for model in models:
        row = results[model.key]
        where, why = describe(
            serve.get("/sarai/v1/explain?" + urllib.parse.urlencode({"model": model.key})))
        again = f"{row['again'][0]:.0f} {row['again'][1]}"
        say(f"{model.key:<24}{demo_models.FRAMEWORKS[model.framework]:<10}{row['cold']:>8.0f}"
            f"{row['warm']:>8.0f}{again:>16}  {where:<44}{why[:110]}")


def print_commands(serve, s3):
    say(f"""
Everything goes on running until Ctrl-C. To play with it:
  export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1
  export AWS_ENDPOINT_URL_SAGEMAKER={serve.url} AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME={serve.url}
  aws sagemaker describe-endpoint --endpoint-name {ENDPOINT}
  {paths.SARAI} explain resnet_pt_v0.tar.gz --url {serve.url}
  curl {serve.url}/metrics
S3: {s3.endpoint} (keys {s3.credentials['AWS_ACCESS_KEY_ID']} / \
{s3.credentials['AWS_SECRET_ACCESS_KEY']}), models in s3://{BUCKET}/{PREFIX}""")
    try:
        signal.pause()
    except KeyboardInterrupt:
        say()


def run(scratch, keep):
    started = time.monotonic()
    with S3Server(scratch / "s3") as s3:
        client = s3.client()
        client.create_bucket(Bucket=BUCKET)
        say(f"S3 server on {s3.endpoint}; making and uploading 26 ResNet-50s")
        models = demo_models.make_and_upload(scratch, client, BUCKET, PREFIX, progress)
        say("\nsarai serve, two instances that hold about 8 models each")
        serve = Serve(scratch / "state", scratch / "serve.log", "--s3-endpoint", s3.endpoint,
                      "--instance-memory", "1GiB", "--instance-disk", "20GiB",
                      env=s3.credentials)
        try:
            create_endpoint(serve.client("sagemaker"))
            say(f"endpoint {ENDPOINT} is InService at {serve.url}")
            invoker = Client(serve.client("sagemaker-runtime", read_timeout=120))
            results = run_rounds(invoker, models)
            print_table(serve, models, results)
            say(f"\nEvery answer equals the runtime's own (largest relative difference"
                f" {invoker.worst:.1e}). {time.monotonic() - started:.0f} s in all.")
            if keep:
                print_commands(serve, s3)
        except BaseException:
            say(serve.log_tail())
            raise
        finally:
            serve.stop()


def main():
    parser = argparse.ArgumentParser(prog="dev demo", description=__doc__.split("\n")[0])
    parser.add_argument("--keep", action="store_true",
                        help="leave it running and print commands to play with")
    arguments = parser.parse_args()
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="sarai-demo-", dir=paths.BUILD))
    try:
        run(scratch, arguments.keep)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
