"""What the world does: kills, an object store that goes, broken archives, a full disk."""
import concurrent.futures
import io
import os
import pathlib
import signal
import shutil
import tarfile
import threading

import botocore.exceptions
import numpy as np
import pytest
import tritonclient.http as triton

from gated import LANES, Gate, pending, write_gate
from testkit import models
from testkit.s3 import S3Server
from testkit.sarai import create_endpoint, first_output, get_json, kserve_json
from waiting import wait_until

ENDPOINT = "faults"


class Caller:
    """Invokes and compares; says what went wrong instead of raising."""

    def __init__(self, serve, zoo):
        self.runtime = serve.client("sagemaker-runtime", read_timeout=90)
        self.zoo = zoo

    def call(self, framework, number):
        """None, or the error."""
        try:
            response = self.runtime.invoke_endpoint(
                EndpointName=ENDPOINT, TargetModel=f"{framework}-{number}.tar.gz",
                Body=kserve_json(self.zoo.INPUTS[framework], self.zoo.x))
            answer = first_output(response["Body"].read())
        except botocore.exceptions.ClientError as error:
            return error.response["Error"]["Code"] + ": " + error.response["Error"]["Message"]
        np.testing.assert_allclose(answer, self.zoo.expected(framework, number), rtol=1e-5,
                                   atol=1e-6)
        return None


@pytest.fixture
def endpoint(start_serve, bucket, zoo):
    """(serve, caller, client, bucket) with onnx-1..3 and pt-1..3 behind one instance."""
    client, name = bucket
    for framework in ("onnx", "pt"):
        for number in (1, 2, 3):
            client.upload_file(str(zoo.archive(framework, number)), name,
                               f"{framework}-{number}.tar.gz")
    serve = start_serve("--instance-memory", "1GiB", "--instance-disk", "1GiB")
    create_endpoint(serve.client("sagemaker"), ENDPOINT, f"s3://{name}/")
    return serve, Caller(serve, zoo), client, name


def children(pid):
    """Process ids of a process's children."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def instance_pid(serve):
    (pid,) = children(serve.pid)
    return pid


def backend_host_pid(serve):
    return wait_until(lambda: children(instance_pid(serve)), "a backend host")[0]


def test_a_killed_backend_host_costs_only_its_requests_in_flight(endpoint):
    serve, caller, _, _ = endpoint
    assert caller.call("pt", 1) is None
    assert caller.call("onnx", 1) is None
    first_host = backend_host_pid(serve)
    stop = threading.Event()

    def hammer(framework):
        errors = []
        while not stop.is_set():
            errors.append(caller.call(framework, 1))
        return [error for error in errors if error]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        onnx = [pool.submit(hammer, "onnx") for _ in range(2)]
        torch = [pool.submit(hammer, "pt") for _ in range(2)]
        os.kill(first_host, signal.SIGKILL)
        new_host = wait_until(
            lambda: [pid for pid in children(instance_pid(serve)) if pid != first_host],
            "a new backend host")
        stop.set()
        assert [f.result() for f in onnx] == [[], []]
        torch_errors = sum((f.result() for f in torch), [])
    # At most what each of the two clients had in flight.
    assert len(torch_errors) <= 2, torch_errors
    assert new_host
    assert caller.call("pt", 1) is None
    assert caller.call("pt", 2) is None


def test_what_only_waited_when_a_backend_host_died_is_answered_by_the_next(start_instance, zoo,
                                                                           tmp_path):
    repository = tmp_path / "repository"
    shutil.copytree(zoo.folder("pt", 1), repository / "pt")
    write_gate(repository)
    server = start_instance("--model-repository", repository, "--lanes", LANES)
    with triton.InferenceServerClient(server.http) as client:
        client.load_model("pt")

    def ask(_):
        given = triton.InferInput(zoo.INPUTS["pt"], list(zoo.x.shape), "FP32")
        given.set_data_from_numpy(zoo.x)
        with triton.InferenceServerClient(server.http) as client:
            return client.infer("pt", [given]).as_numpy("OUTPUT__0")

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        with Gate(server):
            waiting = [pool.submit(ask, number) for number in range(3)]
            wait_until(lambda: pending(server, "pt") == 3, "they wait behind the gate")
            (host,) = children(server.pid)
            os.kill(host, signal.SIGKILL)
            wait_until(lambda: children(server.pid) not in ([], [host]), "a new backend host")
        for answer in waiting:
            np.testing.assert_allclose(answer.result(timeout=60), zoo.expected("pt", 1), rtol=1e-5,
                                       atol=1e-6)


def test_a_killed_instance_is_restarted_and_serves_from_its_disk(endpoint):
    serve, caller, client, bucket = endpoint
    assert caller.call("onnx", 1) is None
    killed = instance_pid(serve)
    host_of_killed = children(killed)
    os.kill(killed, signal.SIGKILL)
    # Held until the instance is back, then answered.
    assert caller.call("onnx", 1) is None
    assert caller.call("pt", 1) is None
    assert instance_pid(serve) != killed
    assert not any(alive(pid) for pid in host_of_killed)
    described = serve.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)
    assert described["EndpointStatus"] == "InService"


def test_a_killed_serve_takes_its_children_along_and_comes_back(endpoint, start_serve, tmp_path,
                                                                zoo):
    serve, caller, _, _ = endpoint
    assert caller.call("onnx", 1) is None
    assert caller.call("pt", 1) is None
    family = [instance_pid(serve), backend_host_pid(serve)]
    serve.kill()
    wait_until(lambda: not any(alive(pid) for pid in family), "the end of its children")
    again = start_serve("--instance-memory", "1GiB", "--instance-disk", "1GiB")
    sagemaker = again.client("sagemaker")
    assert [e["EndpointName"] for e in sagemaker.list_endpoints()["Endpoints"]] == [ENDPOINT]
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=ENDPOINT,
                                                     WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert Caller(again, zoo).call("onnx", 1) is None
    assert Caller(again, zoo).call("pt", 2) is None


def test_sigterm_drains_and_ends_everything(endpoint):
    serve, caller, _, _ = endpoint
    assert caller.call("pt", 1) is None
    family = [instance_pid(serve), backend_host_pid(serve)]
    assert serve.stop() == 0
    assert not any(alive(pid) for pid in family)


def test_sigterm_lets_a_request_in_flight_be_answered(start_serve, bucket, zoo, tmp_path):
    client, name = bucket
    # Waits for seven more requests, which never come, before it runs.
    lonely = "dynamic_batching { preferred_batch_size: [8] max_queue_delay_microseconds: 1500000 }"
    folder = models.write_model_folder(models.mlp(1), tmp_path / "lonely" / "mlp", "onnx",
                                       extra_config=lonely)
    client.upload_file(str(models.pack(folder, tmp_path / "lonely.tar.gz")), name, "onnx-1.tar.gz")
    serve = start_serve("--instance-memory", "256MiB")
    create_endpoint(serve.client("sagemaker"), ENDPOINT, f"s3://{name}/")
    caller = Caller(serve, zoo)
    assert caller.call("onnx", 1) is None
    address = serve.get("/sarai/v1/explain?model=onnx-1.tar.gz")["instances"][0]["address"]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(caller.call, "onnx", 1)
        wait_until(lambda: get_json(f"http://{address}/sarai/v1/status")["in_flight"] > 0,
                   "the request on the instance")
        assert serve.stop() == 0
        assert answer.result() is None


def test_models_on_disk_are_served_while_s3_is_down(start_serve, zoo, tmp_path):
    with S3Server(tmp_path / "own-s3") as own:
        client = own.client()
        client.create_bucket(Bucket="models")
        for number in (1, 2):
            client.upload_file(str(zoo.archive("onnx", number)), "models",
                               f"onnx-{number}.tar.gz")
        serve = start_serve("--instance-memory", "1GiB", endpoint=own.endpoint,
                            env=own.credentials)
        create_endpoint(serve.client("sagemaker"), ENDPOINT, "s3://models/")
        caller = Caller(serve, zoo)
        assert caller.call("onnx", 1) is None
        own.kill()
        assert caller.call("onnx", 1) is None
        down = caller.call("onnx", 2)
        assert down is not None and "onnx-2.tar.gz" in down
        own.start()
        wait_until(lambda: caller.call("onnx", 2) is None, "an answer after S3 came back")


def upload_tar(client, bucket, key, *members, mode="w:gz"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content, attributes in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for attribute, value in attributes.items():
                setattr(info, attribute, value)
            archive.addfile(info, io.BytesIO(content))
    client.put_object(Bucket=bucket, Key=key, Body=buffer.getvalue())


def test_bad_archives_get_their_own_error_and_disturb_nobody(endpoint, zoo):
    serve, caller, client, bucket = endpoint
    whole = zoo.archive("onnx", 4).read_bytes()
    client.put_object(Bucket=bucket, Key="onnx-90.tar.gz", Body=whole[:len(whole) // 2])
    client.put_object(Bucket=bucket, Key="onnx-91.tar.gz", Body=b"this is no archive" * 100)
    upload_tar(client, bucket, "onnx-92.tar.gz", ("../../escape", b"x", {}))
    upload_tar(client, bucket, "onnx-93.tar.gz",
               ("m/config.pbtxt", b'name: "m" platform: "onnxruntime_onnx"', {}),
               ("m/1/link", b"", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}))
    upload_tar(client, bucket, "onnx-94.tar.gz",
               ("m/config.pbtxt", b'name: "m" platform: "onnxruntime_onnx"', {}),
               ("m/1/model.onnx", b"no model", {}))
    upload_tar(client, bucket, "onnx-95.tar.gz",
               ("m/config.pbtxt", b'name: "m" max_batch: 3', {}),
               ("m/1/model.onnx", b"no model", {}))
    runtime = serve.client("sagemaker-runtime")
    said = {}
    for number in range(90, 96):
        with pytest.raises(botocore.exceptions.ClientError) as error:
            runtime.invoke_endpoint(EndpointName=ENDPOINT, TargetModel=f"onnx-{number}.tar.gz",
                                    Body=kserve_json("input", zoo.x))
        assert error.value.response["Error"]["Code"] == "ModelError", number
        said[number] = error.value.response["OriginalMessage"]
    assert "escape" in said[92]
    assert "link" in said[93]
    assert "max_batch" in said[95]
    assert caller.call("onnx", 1) is None
    assert caller.call("pt", 1) is None


def test_a_model_that_can_never_fit_is_refused_at_once(start_serve, bucket, zoo, tmp_path):
    client, name = bucket
    net = models.mlp(1, hidden=600_000)
    folder = models.write_model_folder(net, tmp_path / "huge" / "mlp", "onnx")
    client.upload_file(str(models.pack(folder, tmp_path / "huge.tar.gz")), name, "onnx-9.tar.gz")
    client.upload_file(str(zoo.archive("onnx", 1)), name, "onnx-1.tar.gz")
    serve = start_serve("--instance-memory", "32MiB", "--instance-disk", "1GiB")
    create_endpoint(serve.client("sagemaker"), ENDPOINT, f"s3://{name}/")
    caller = Caller(serve, zoo)
    assert caller.call("onnx", 1) is None
    with pytest.raises(botocore.exceptions.ClientError) as error:
        caller.runtime.invoke_endpoint(EndpointName=ENDPOINT, TargetModel="onnx-9.tar.gz",
                                       Body=kserve_json("input", zoo.x))
    assert error.value.response["Error"]["Code"] == "ModelError"
    assert error.value.response["OriginalStatusCode"] == 507
    assert "32.0 MiB" in error.value.response["OriginalMessage"]
    assert caller.call("onnx", 1) is None


def test_a_model_larger_than_the_disk_budget_is_refused(start_serve, bucket, zoo, tmp_path):
    client, name = bucket
    net = models.mlp(1, hidden=600_000)
    folder = models.write_model_folder(net, tmp_path / "huge" / "mlp", "onnx")
    client.upload_file(str(models.pack(folder, tmp_path / "huge.tar.gz")), name, "onnx-9.tar.gz")
    client.upload_file(str(zoo.archive("onnx", 1)), name, "onnx-1.tar.gz")
    serve = start_serve("--instance-memory", "1GiB", "--instance-disk", "8MiB")
    create_endpoint(serve.client("sagemaker"), ENDPOINT, f"s3://{name}/")
    caller = Caller(serve, zoo)
    assert "507" in caller.call("onnx", 9)
    assert caller.call("onnx", 1) is None


def test_a_wait_longer_than_its_budget_is_429_and_the_load_goes_on(start_serve, bucket, zoo,
                                                                   tmp_path):
    client, name = bucket
    net = models.mlp(1, hidden=900_000)
    folder = models.write_model_folder(net, tmp_path / "slow" / "mlp", "onnx")
    client.upload_file(str(models.pack(folder, tmp_path / "slow.tar.gz")), name, "slow.tar.gz")
    serve = start_serve("--instance-memory", "1GiB", "--wait-budget", "1ms")
    create_endpoint(serve.client("sagemaker"), ENDPOINT, f"s3://{name}/")
    runtime = serve.client("sagemaker-runtime")

    def state():
        try:
            runtime.invoke_endpoint(EndpointName=ENDPOINT, TargetModel="slow.tar.gz",
                                    Body=kserve_json("input", zoo.x))
        except botocore.exceptions.ClientError as error:
            return error.response["Error"]["Code"]
        return "answered"

    assert state() == "ModelNotReadyException"
    wait_until(lambda: state() == "answered", "the load that goes on")


def test_a_replaced_archive_is_swapped_in_without_an_error(start_serve, bucket, zoo):
    client, name = bucket
    client.upload_file(str(zoo.archive("onnx", 1)), name, "onnx-1.tar.gz")
    serve = start_serve("--instance-memory", "1GiB", "--revalidate-interval", "100ms")
    create_endpoint(serve.client("sagemaker"), ENDPOINT, f"s3://{name}/")
    runtime = serve.client("sagemaker-runtime")

    def answer():
        response = runtime.invoke_endpoint(EndpointName=ENDPOINT, TargetModel="onnx-1.tar.gz",
                                           Body=kserve_json("input", zoo.x))
        got = first_output(response["Body"].read())
        for number in (1, 2):
            if np.allclose(got, zoo.expected("onnx", number), rtol=1e-5, atol=1e-6):
                return number
        raise AssertionError("an answer of neither version")

    assert answer() == 1
    client.upload_file(str(zoo.archive("onnx", 2)), name, "onnx-1.tar.gz")
    wait_until(lambda: answer() == 2, "the new version")
    assert answer() == 2


def test_a_deleted_key_answers_while_it_is_resident(start_serve, bucket, zoo):
    client, name = bucket
    client.upload_file(str(zoo.archive("onnx", 1)), name, "onnx-1.tar.gz")
    serve = start_serve("--instance-memory", "1GiB", "--revalidate-interval", "50ms")
    create_endpoint(serve.client("sagemaker"), ENDPOINT, f"s3://{name}/")
    caller = Caller(serve, zoo)
    assert caller.call("onnx", 1) is None
    client.delete_object(Bucket=name, Key="onnx-1.tar.gz")

    def noticed():
        assert caller.call("onnx", 1) is None
        return any("delet" in d["reason"] or "gone" in d["reason"]
                   for d in serve.get("/sarai/v1/decisions?model=onnx-1.tar.gz")["decisions"])

    wait_until(noticed, "a word on the deleted key")
    assert caller.call("onnx", 1) is None
