"""Sarai's own processes, and clients that know nothing of Sarai."""
import json
import urllib.request

import boto3
import botocore.config
import numpy as np

from testkit import paths
from testkit.process import Process

_DUMMY_CREDENTIALS = {"aws_access_key_id": "any", "aws_secret_access_key": "any",
                      "region_name": "us-east-1"}


def get_json(url):
    with urllib.request.urlopen(url, timeout=30) as response:
        return json.load(response)


class Serve(Process):
    """`sarai serve` on ports that the kernel picks."""

    def __init__(self, state, log_path, *flags, env=None, port=0):
        super().__init__([paths.SARAI, "serve", "--listen", f"127.0.0.1:{port}", "--grpc-port", "0",
                          "--state", state, *flags], log_path, env=env)
        words = self.wait_for_line("sarai: ready on ").split()
        self.url = words[3]
        self.http = self.url.removeprefix("http://")
        self.grpc = words[4].removeprefix("grpc=") if len(words) > 4 else None

    def get(self, path):
        return get_json(self.url + path)

    def client(self, service, retries=0, verify=None, **config):
        return boto3.client(service, endpoint_url=self.url, verify=verify, **_DUMMY_CREDENTIALS,
                            config=botocore.config.Config(
                                retries={"max_attempts": retries}, max_pool_connections=64,
                                **config))


class Instance(Process):
    """`sarai instance`, on ports that the kernel picks where `flags` name none."""

    def __init__(self, log_path, *flags, env=None):
        ports = [f"{port}=0" for port in ("--http-port", "--grpc-port", "--metrics-port")
                 if port not in flags]
        super().__init__([paths.SARAI, "instance", *ports, *flags], log_path, env=env)
        line = self.wait_for_line("sarai: ready ")
        self.addresses = dict(part.split("=") for part in line.split()[2:])
        self.http = self.addresses["http"]
        self.grpc = self.addresses.get("grpc")
        self.url = f"http://{self.http}"

    def get(self, path):
        return get_json(self.url + path)


def create_endpoint(client, name, prefix, instances=1, instance_type="ml.g4dn.4xlarge",
                    mode="MultiModel", wait=True):
    """The three calls of AWS's walk-through, and its waiter."""
    client.create_model(
        ModelName=f"{name}-model", ExecutionRoleArn="arn:aws:iam::123456789012:role/SageMakerRole",
        PrimaryContainer={"Image": "sarai", "ModelDataUrl": prefix, "Mode": mode})
    client.create_endpoint_config(
        EndpointConfigName=f"{name}-config",
        ProductionVariants=[{"InstanceType": instance_type, "InitialVariantWeight": 1,
                             "InitialInstanceCount": instances, "ModelName": f"{name}-model",
                             "VariantName": "AllTraffic"}])
    client.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-config")
    if wait:
        client.get_waiter("endpoint_in_service").wait(
            EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})


def kserve_json(name, array):
    """A KServe v2 request with one FP32 input, numbers as JSON."""
    return json.dumps({"inputs": [{"name": name, "shape": list(array.shape), "datatype": "FP32",
                                   "data": array.ravel().tolist()}]})


def kserve_binary(name, array, output=None):
    """The same with raw bytes: (content type, body) of the SageMaker media type."""
    request = {"inputs": [{"name": name, "shape": list(array.shape), "datatype": "FP32",
                           "parameters": {"binary_data_size": array.nbytes}}]}
    if output:
        request["outputs"] = [{"name": output, "parameters": {"binary_data": True}}]
    header = json.dumps(request).encode()
    content_type = ("application/vnd.sagemaker-triton.binary+json;"
                    f"json-header-size={len(header)}")
    return content_type, header + array.tobytes()


def first_output(response_body):
    """The first output of a KServe v2 JSON response, as an array."""
    output = json.loads(response_body)["outputs"][0]
    return np.array(output["data"], dtype=np.float32).reshape(output["shape"])


def first_binary_output(content_type, body):
    """The first output of a binary+json response."""
    size = int(content_type.rsplit("=", 1)[1])
    output = json.loads(body[:size])["outputs"][0]
    return np.frombuffer(body[size:], dtype=np.float32).reshape(output["shape"])
