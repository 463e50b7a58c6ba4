"""The control plane as boto3 sees it."""
import datetime

import botocore.exceptions
import pytest

from testkit.sarai import create_endpoint, first_output, kserve_json
from waiting import wait_until


@pytest.fixture
def sagemaker(start_serve):
    return start_serve("--instance-memory", "256MiB").client("sagemaker")


def code_and_message(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def make_model(sagemaker, name="m", **extra):
    return sagemaker.create_model(
        ModelName=name, ExecutionRoleArn="arn:aws:iam::123456789012:role/SageMakerRole",
        PrimaryContainer={"Image": "img", "ModelDataUrl": "s3://bucket/p/", "Mode": "MultiModel",
                          **extra})


def make_config(sagemaker, name="c", model="m", count=1):
    return sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[{"VariantName": "AllTraffic", "ModelName": model,
                             "InstanceType": "ml.m5.large", "InitialInstanceCount": count,
                             "InitialVariantWeight": 1.0}])


def test_models_are_created_described_listed_and_deleted(sagemaker):
    arn = make_model(sagemaker, "My-Model", Environment={"A": "b"})["ModelArn"]
    assert arn == "arn:aws:sagemaker:us-east-1:123456789012:model/my-model"
    described = sagemaker.describe_model(ModelName="My-Model")
    assert described["PrimaryContainer"] == {"Image": "img", "ModelDataUrl": "s3://bucket/p/",
                                             "Mode": "MultiModel", "Environment": {"A": "b"}}
    assert described["ModelArn"] == arn
    assert isinstance(described["CreationTime"], datetime.datetime)
    assert [m["ModelName"] for m in sagemaker.list_models()["Models"]] == ["My-Model"]
    sagemaker.delete_model(ModelName="My-Model")
    code, message = code_and_message(sagemaker.describe_model, ModelName="My-Model")
    assert code == "ValidationException" and message.startswith("Could not find model")


def test_names_that_are_taken_unknown_or_malformed_are_told_apart(sagemaker):
    make_model(sagemaker)
    code, message = code_and_message(make_model, sagemaker=sagemaker)
    assert code == "ValidationException"
    assert message.startswith('Cannot create already existing model "arn:aws:sagemaker:')
    code, message = code_and_message(sagemaker.describe_endpoint, EndpointName="none")
    assert code == "ValidationException" and message.startswith("Could not find endpoint")
    code, message = code_and_message(make_model, sagemaker=sagemaker, name="under_score")
    assert code == "ValidationException"
    assert message.startswith("1 validation error detected: Value 'under_score' at 'modelName'")
    code, message = code_and_message(sagemaker.create_endpoint, EndpointName="e",
                                     EndpointConfigName="none")
    assert code == "ValidationException"
    assert message.startswith("Could not find endpoint configuration")


def test_lists_are_sorted_filtered_and_paged(sagemaker):
    for number in range(12):
        make_model(sagemaker, f"list-{number:02}")
    first = sagemaker.list_models(SortBy="Name", SortOrder="Ascending", MaxResults=5)
    assert [m["ModelName"] for m in first["Models"]] == [f"list-{n:02}" for n in range(5)]
    names = [m["ModelName"] for page in
             sagemaker.get_paginator("list_models").paginate(SortBy="Name", SortOrder="Descending",
                                                             PaginationConfig={"PageSize": 5})
             for m in page["Models"]]
    assert names == [f"list-{n:02}" for n in reversed(range(12))]
    filtered = sagemaker.list_models(NameContains="-03")
    assert [m["ModelName"] for m in filtered["Models"]] == ["list-03"]


def test_an_endpoint_lives_is_updated_and_deleted(start_serve, bucket, zoo):
    client, name = bucket
    for version in (1, 2):
        client.upload_file(str(zoo.archive("onnx", version)), name, f"v{version}/m.tar.gz")
    serve = start_serve("--instance-memory", "256MiB")
    sagemaker, runtime = serve.client("sagemaker"), serve.client("sagemaker-runtime")
    create_endpoint(sagemaker, "life", f"s3://{name}/v1/")

    def answers(version):
        response = runtime.invoke_endpoint(EndpointName="life", TargetModel="m.tar.gz",
                                           Body=kserve_json("input", zoo.x))
        got = first_output(response["Body"].read())
        return abs(got - zoo.expected("onnx", version)).max() < 1e-5

    assert answers(1)
    make_model(sagemaker, "second", ModelDataUrl=f"s3://{name}/v2")
    make_config(sagemaker, "second", "second", count=2)
    sagemaker.update_endpoint(EndpointName="life", EndpointConfigName="second")
    status = sagemaker.describe_endpoint(EndpointName="life")["EndpointStatus"]
    assert status in ("Updating", "InService")
    seen = set()

    def updated():
        seen.add(2 if answers(2) else 1)  # the old fleet or the new one, never an error
        described = sagemaker.describe_endpoint(EndpointName="life")
        return described["EndpointStatus"] == "InService" and answers(2)

    wait_until(updated, "the update")
    described = sagemaker.describe_endpoint(EndpointName="life")
    assert described["EndpointConfigName"] == "second"
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    sagemaker.delete_endpoint(EndpointName="life")
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="life",
                                                  WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    with pytest.raises(botocore.exceptions.ClientError) as gone:
        answers(2)
    assert gone.value.response["Error"]["Code"] == "ValidationError"


def test_a_single_model_endpoint_needs_no_target(start_serve, bucket, zoo):
    client, name = bucket
    client.upload_file(str(zoo.archive("pt", 1)), name, "one.tar.gz")
    serve = start_serve("--instance-memory", "256MiB")
    create_endpoint(serve.client("sagemaker"), "single", f"s3://{name}/one.tar.gz",
                    mode="SingleModel")
    runtime = serve.client("sagemaker-runtime")
    response = runtime.invoke_endpoint(EndpointName="single",
                                       Body=kserve_json("INPUT__0", zoo.x))
    assert abs(first_output(response["Body"].read()) - zoo.expected("pt", 1)).max() < 1e-5
    code, message = code_and_message(runtime.invoke_endpoint, EndpointName="single", Body=b"{}",
                                     TargetModel="x")
    assert code == "ValidationError" and "is not a multi-model endpoint" in message


def test_an_endpoint_whose_model_is_missing_fails_with_a_reason(start_serve, bucket):
    _, name = bucket
    serve = start_serve("--instance-memory", "256MiB")
    sagemaker = serve.client("sagemaker")
    create_endpoint(sagemaker, "broken", f"s3://{name}/nothing.tar.gz", mode="SingleModel",
                    wait=False)

    def failed():
        described = sagemaker.describe_endpoint(EndpointName="broken")
        return described["EndpointStatus"] == "Failed" and described["FailureReason"]

    assert "nothing.tar.gz" in wait_until(failed, "the failure")
    sagemaker.delete_endpoint(EndpointName="broken")


def test_unknown_operations_say_so(sagemaker):
    code, _ = code_and_message(sagemaker.list_training_jobs)
    assert code == "UnknownOperationException"
