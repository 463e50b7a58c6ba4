"""A multi-model endpoint over an S3 prefix, with plain boto3.

  python multi_model_endpoint.py http://127.0.0.1:8080 s3://bucket/prefix/ INPUT a.tar.gz b.tar.gz …

Every archive named is a model with one FP32 input INPUT of 16 numbers.
"""
import json
import sys

import boto3

url, prefix, input_name, *targets = sys.argv[1:]
at = {"endpoint_url": url, "region_name": "us-east-1", "aws_access_key_id": "any",
      "aws_secret_access_key": "any"}
sagemaker = boto3.client("sagemaker", **at)
runtime = boto3.client("sagemaker-runtime", **at)

sagemaker.create_model(
    ModelName="example", ExecutionRoleArn="arn:aws:iam::123456789012:role/SageMakerRole",
    PrimaryContainer={"Image": "any", "ModelDataUrl": prefix, "Mode": "MultiModel"})
sagemaker.create_endpoint_config(
    EndpointConfigName="example",
    ProductionVariants=[{"VariantName": "AllTraffic", "ModelName": "example",
                         "InstanceType": "ml.m5.large", "InitialInstanceCount": 1,
                         "InitialVariantWeight": 1}])
sagemaker.create_endpoint(EndpointName="example", EndpointConfigName="example")
sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="example",
                                                 WaiterConfig={"Delay": 1, "MaxAttempts": 60})

request = {"inputs": [{"name": input_name, "shape": [1, 16], "datatype": "FP32",
                       "data": [0.1] * 16}]}
for target in targets + targets:
    response = runtime.invoke_endpoint(EndpointName="example", TargetModel=target,
                                       Body=json.dumps(request))
    answer = json.loads(response["Body"].read())
    state = response["ResponseMetadata"]["HTTPHeaders"]["x-sarai-model-state"]
    print(target, state, answer["outputs"][0]["data"])
