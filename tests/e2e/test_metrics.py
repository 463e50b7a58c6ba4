"""Every CloudWatch name of the walk-through, read as its graphs read it; OpenMetrics; decisions."""
import datetime
import json
import re
import subprocess
import sys
import urllib.request

import pytest

from testkit import paths
from testkit.sarai import create_endpoint, kserve_json
from waiting import wait_until

INVOCATION = ["Invocations", "InvocationsPerInstance", "ModelLatency", "OverheadLatency",
              "Invocation4XXErrors", "Invocation5XXErrors"]
LOADING = ["ModelLoadingWaitTime", "ModelDownloadingTime", "ModelLoadingTime", "ModelCacheHit",
           "ModelUnloadingTime"]
INSTANCE = ["LoadedModelCount", "GPUUtilization", "GPUMemoryUtilization", "DiskUtilization",
            "CPUUtilization", "MemoryUtilization"]
DIMENSIONS = [{"Name": "EndpointName", "Value": "metered"},
              {"Name": "VariantName", "Value": "AllTraffic"}]


@pytest.fixture
def metered(start_serve, bucket, zoo):
    """An endpoint whose budget holds few models, so that some have been unloaded."""
    client, name = bucket
    for number in (1, 2):
        client.upload_file(str(zoo.archive("onnx", number)), name, f"{number}.tar.gz")
    serve = start_serve("--instance-memory", "256MiB", "--metric-interval", "200ms")
    create_endpoint(serve.client("sagemaker"), "metered", f"s3://{name}/")
    runtime = serve.client("sagemaker-runtime")
    for number in (1, 2, 1, 2):
        runtime.invoke_endpoint(EndpointName="metered", TargetModel=f"{number}.tar.gz",
                                Body=kserve_json("input", zoo.x))
    serve.client("sagemaker")
    unload(serve, "1.tar.gz")
    return serve


def unload(serve, model):
    """Unloads a model on the one instance, as an operator would."""
    status = serve.get(f"/sarai/v1/explain?model={model}")
    address = status["instances"][0]["address"]
    request = urllib.request.Request(f"http://{address}/sarai/v1/models/{model}/unload",
                                     method="POST", data=b"")
    urllib.request.urlopen(request, timeout=30).close()


def window():
    now = datetime.datetime.now(datetime.timezone.utc)
    return now - datetime.timedelta(minutes=10), now + datetime.timedelta(minutes=1)


def total(cloudwatch, namespace, name, stat="SampleCount"):
    start, end = window()
    result = cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": "m", "MetricStat": {
            "Metric": {"Namespace": namespace, "MetricName": name, "Dimensions": DIMENSIONS},
            "Period": 60, "Stat": stat}}], StartTime=start, EndTime=end)
    return sum(result["MetricDataResults"][0]["Values"])


def test_every_name_is_readable_with_get_metric_data(metered):
    cloudwatch = metered.client("cloudwatch")
    for name in INVOCATION + LOADING:
        wait_until(lambda: total(cloudwatch, "AWS/SageMaker", name) > 0, name)
    for name in INSTANCE:
        wait_until(lambda: total(cloudwatch, "/aws/sagemaker/Endpoints", name) > 0, name)
    assert total(cloudwatch, "AWS/SageMaker", "Invocations", "Sum") == 4
    assert total(cloudwatch, "AWS/SageMaker", "ModelCacheHit", "Sum") == 2
    assert total(cloudwatch, "AWS/SageMaker", "ModelLoadingTime") == 2
    assert total(cloudwatch, "AWS/SageMaker", "ModelUnloadingTime") == 1
    assert total(cloudwatch, "AWS/SageMaker", "Invocation4XXErrors", "Sum") == 0


def test_get_metric_statistics_and_the_cli_agree(metered):
    cloudwatch = metered.client("cloudwatch")
    start, end = window()

    def statistics():
        return cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker", MetricName="ModelLatency", Dimensions=DIMENSIONS,
            StartTime=start, EndTime=end, Period=3600, Statistics=["Average", "SampleCount"],
            Unit="Microseconds")["Datapoints"]

    points = wait_until(lambda: [p for p in statistics() if p["SampleCount"] == 4], "4 samples")
    out = subprocess.run(
        [sys.executable, "-m", "awscli", "--endpoint-url", metered.url, "--region", "us-east-1",
         "cloudwatch", "get-metric-statistics", "--namespace", "AWS/SageMaker", "--metric-name",
         "ModelLatency", "--dimensions", "Name=EndpointName,Value=metered",
         "Name=VariantName,Value=AllTraffic", "--start-time", start.isoformat(), "--end-time",
         end.isoformat(), "--period", "3600", "--statistics", "Average", "SampleCount"],
        env={"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "PATH": "/usr/bin"},
        capture_output=True, text=True, check=True).stdout
    assert json.loads(out)["Datapoints"][0]["Average"] == pytest.approx(points[0]["Average"])


def test_openmetrics_holds_them_all_and_per_model_series(metered):
    def text():
        with urllib.request.urlopen(metered.url + "/metrics", timeout=30) as response:
            assert response.headers["Content-Type"].startswith("application/openmetrics-text")
            return response.read().decode()

    def complete():
        body = text()
        names = {re.sub(r"[^a-z0-9]", "", line.split("{")[0].split(" ")[0].lower())
                 for line in body.splitlines() if not line.startswith("#")}
        return all(any(name.lower() in seen for seen in names)
                   for name in INVOCATION + LOADING + INSTANCE) and body

    body = wait_until(complete, "all names in /metrics")
    assert body.endswith("# EOF\n")
    assert re.search(r'sarai_invocations_total\{[^}]*model="1\.tar\.gz"[^}]*\} 2', body)


def test_explain_says_where_a_model_is_and_why(metered):
    out = subprocess.run([paths.SARAI, "explain", "1.tar.gz", "--url", metered.url],
                         capture_output=True, text=True, check=True).stdout
    assert "on_disk" in out
    assert "load" in out and "unload" in out
