"""The main job: plain boto3 creates an endpoint and invokes models never loaded before."""
import json
import subprocess
import sys

import botocore.exceptions
import numpy as np
import pytest

from testkit.sarai import (create_endpoint, first_binary_output, first_output, kserve_binary,
                           kserve_json)


@pytest.fixture
def endpoint(start_serve, bucket, zoo):
    client, name = bucket
    client.upload_file(str(zoo.archive("onnx", 1)), name, "models/onnx/mlp v1.tar.gz")
    client.upload_file(str(zoo.archive("pt", 1)), name, "models/pt_v1.tar.gz")
    serve = start_serve("--instance-memory", "1GiB", "--instance-disk", "1GiB")
    create_endpoint(serve.client("sagemaker"), "walk", f"s3://{name}/models/")
    return serve


def invoke(runtime, target, body, content_type="application/octet-stream", **extra):
    response = runtime.invoke_endpoint(EndpointName="walk", ContentType=content_type, Body=body,
                                       TargetModel=target, **extra)
    return response, response["Body"].read()


def test_both_frameworks_answer_as_their_runtimes_do(endpoint, zoo):
    runtime = endpoint.client("sagemaker-runtime")
    for framework, target in (("onnx", "onnx/mlp v1.tar.gz"), ("pt", "pt_v1.tar.gz")):
        for state in ("cold", "warm"):
            response, body = invoke(runtime, target, kserve_json(zoo.INPUTS[framework], zoo.x))
            np.testing.assert_allclose(first_output(body), zoo.expected(framework, 1), rtol=1e-5,
                                       atol=1e-6)
            headers = response["ResponseMetadata"]["HTTPHeaders"]
            assert headers["x-sarai-model-state"] == state
            assert headers["x-sarai-instance"]
            assert response["InvokedProductionVariant"] == "AllTraffic"
            assert response["ResponseMetadata"]["RequestId"]


def test_binary_tensors_travel_both_ways(endpoint, zoo):
    runtime = endpoint.client("sagemaker-runtime")
    content_type, body = kserve_binary("input", zoo.x, output="output")
    response, answer = invoke(runtime, "onnx/mlp v1.tar.gz", body, content_type)
    np.testing.assert_allclose(first_binary_output(response["ContentType"], answer),
                               zoo.expected("onnx", 1), rtol=1e-5, atol=1e-6)


def test_errors_have_the_shapes_clients_test(endpoint, zoo):
    runtime = endpoint.client("sagemaker-runtime")
    body = kserve_json("input", zoo.x)
    with pytest.raises(botocore.exceptions.ClientError) as missing:
        invoke(runtime, "nothing.tar.gz", body)
    assert missing.value.response["Error"]["Code"] == "ValidationError"
    assert "nothing.tar.gz" in missing.value.response["Error"]["Message"]

    with pytest.raises(botocore.exceptions.ClientError) as bad_input:
        invoke(runtime, "onnx/mlp v1.tar.gz", kserve_json("wrong", zoo.x))
    error = bad_input.value.response
    assert error["Error"]["Code"] == "ModelError"
    assert error["OriginalStatusCode"] == 400
    assert "wrong" in error["OriginalMessage"]
    assert error["LogStreamArn"].startswith("arn:aws:logs:")

    with pytest.raises(botocore.exceptions.ClientError) as no_target:
        runtime.invoke_endpoint(EndpointName="walk", Body=body)
    assert no_target.value.response["Error"]["Code"] == "ValidationError"
    assert "missing a target model header" in no_target.value.response["Error"]["Message"]

    with pytest.raises(botocore.exceptions.ClientError) as no_endpoint:
        runtime.invoke_endpoint(EndpointName="other", Body=body, TargetModel="x")
    assert "Endpoint other of account 123456789012 not found" in (
        no_endpoint.value.response["Error"]["Message"])


def test_the_aws_cli_invokes_and_describes(endpoint, zoo, tmp_path):
    def aws(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "awscli", "--endpoint-url", endpoint.url, "--region",
             "us-east-1", *arguments],
            env={"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "PATH": "/usr/bin"},
            capture_output=True, text=True, check=True).stdout

    described = json.loads(aws("sagemaker", "describe-endpoint", "--endpoint-name", "walk"))
    assert described["EndpointStatus"] == "InService"
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    out = tmp_path / "out.json"
    aws("sagemaker-runtime", "invoke-endpoint", "--endpoint-name", "walk", "--target-model",
        "pt_v1.tar.gz", "--body", kserve_json("INPUT__0", zoo.x), str(out))
    np.testing.assert_allclose(first_output(out.read_bytes()), zoo.expected("pt", 1), rtol=1e-5,
                               atol=1e-6)
