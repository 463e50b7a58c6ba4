"""Tree models of every library through whole servers, as Triton's FIL backend serves them."""
import concurrent.futures
import os
import pathlib
import shutil
import signal

import botocore.exceptions
import numpy as np
import pytest
import tritonclient.http as triton
import tritonclient.utils

from testkit import models, paths
from testkit.sarai import create_endpoint, first_output, kserve_json
from waiting import wait_until

TREES = paths.ROOT / "tests" / "data" / "fil"
FILES = {"xgb_multi": ("json", "xgboost.json"), "xgb_binary": ("ubj", "xgboost.ubj"),
         "lgb_multi": ("txt", "model.txt"), "skl_forest_multi": ("tl", "checkpoint.tl")}

pytestmark = pytest.mark.skipif(not (paths.DEPS / "fil").exists(),
                                reason="./dev setup --backend fil installs the libraries")


def numbers(name):
    """(rows, what the model's own library predicts)."""
    return (np.loadtxt(TREES / f"{name}.rows", np.float32, ndmin=2),
            np.loadtxt(TREES / f"{name}.values", np.float32, ndmin=2))


def write_model(repository, name, source, config="max_batch_size: 1024\n"):
    ending, file = FILES[source]
    version = repository / name / "1"
    version.mkdir(parents=True)
    shutil.copy(TREES / f"{source}.{ending}", version / file)
    (repository / name / "config.pbtxt").write_text(config)
    return repository / name


def ask(client, model, rows):
    given = triton.InferInput("input__0", list(rows.shape), "FP32")
    given.set_data_from_numpy(rows)
    return client.infer(model, [given]).as_numpy("output__0")


def children(pid):
    return [int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()]


def test_every_file_name_serves_what_its_own_library_predicts(start_instance, tmp_path):
    for source in FILES:
        write_model(tmp_path / "repository", source, source)
    server = start_instance("--model-repository", tmp_path / "repository")
    with triton.InferenceServerClient(server.http) as client:
        for source in FILES:
            rows, values = numbers(source)
            np.testing.assert_array_equal(ask(client, source, rows), values)
            many = np.tile(rows, (50, 1))
            np.testing.assert_array_equal(ask(client, source, many), np.tile(values, (50, 1)))
            config = client.get_model_config(source)
            assert config["backend"] == "fil"
            assert config["input"][0]["dims"] == [rows.shape[1]]
            with pytest.raises(tritonclient.utils.InferenceServerException, match="input__0"):
                ask(client, source, np.zeros((1, rows.shape[1] + 1), np.float32))


def test_clients_at_once_are_batched_and_a_thousand_models_are_served(start_instance, tmp_path):
    for number in range(1000):
        write_model(tmp_path / "repository", f"m{number}", list(FILES)[number % len(FILES)],
                    "max_batch_size: 64\ndynamic_batching {}\n")
    server = start_instance("--model-repository", tmp_path / "repository")

    def run(first):
        with triton.InferenceServerClient(server.http, network_timeout=120) as client:
            for number in range(first, 1000, 4):
                rows, values = numbers(list(FILES)[number % len(FILES)])
                np.testing.assert_array_equal(ask(client, f"m{number}", rows), values)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(4))) == [None] * 4


def test_a_classifier_answers_with_triton_fils_parameters(start_instance, tmp_path):
    repository = tmp_path / "repository"
    config = """
        backend: "fil" max_batch_size: 32768 dynamic_batching {}
        input [{ name: "input__0" data_type: TYPE_FP32 dims: [ 6 ] }]
        output [{ name: "output__0" data_type: TYPE_FP32 dims: [ %d ] }]
        instance_group [{ kind: KIND_AUTO }]
        parameters [{ key: "model_type" value: { string_value: "xgboost_ubj" } },
                    { key: "is_classifier" value: { string_value: "true" } },
                    { key: "predict_proba" value: { string_value: "%s" } },
                    { key: "threshold" value: { string_value: "0.4" } },
                    { key: "layout" value: { string_value: "depth_first" } },
                    { key: "chunk_size" value: { string_value: "4" } }]
    """
    write_model(repository, "classes", "xgb_binary", config % (1, "false"))
    write_model(repository, "scores", "xgb_binary", config % (2, "true"))
    server = start_instance("--model-repository", repository)
    rows, values = numbers("xgb_binary")
    with triton.InferenceServerClient(server.http) as client:
        np.testing.assert_array_equal(ask(client, "classes", rows), values > np.float32(0.4))
        np.testing.assert_array_equal(ask(client, "scores", rows), np.hstack([1 - values, values]))


def test_a_damaged_file_says_so_and_nothing_else_notices(start_instance, tmp_path):
    repository = tmp_path / "repository"
    write_model(repository, "good", "lgb_multi")
    for source, (_, file) in FILES.items():
        path = write_model(repository, f"bad-{source}", source) / "1" / file
        path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])
    server = start_instance("--model-repository", repository)
    rows, values = numbers("lgb_multi")
    with triton.InferenceServerClient(server.http) as client:
        np.testing.assert_array_equal(ask(client, "good", rows), values)
        (host,) = children(server.pid)
        for source in FILES:
            with pytest.raises(tritonclient.utils.InferenceServerException,
                               match="XGBoost|LightGBM|treelite"):
                ask(client, f"bad-{source}", rows)
        assert children(server.pid) == [host]
        np.testing.assert_array_equal(ask(client, "good", rows), values)


def test_a_killed_host_costs_only_what_was_in_flight(start_serve, bucket, tmp_path):
    client, name = bucket
    for source in FILES:
        folder = write_model(tmp_path / "models", source, source)
        client.upload_file(str(models.pack(folder, tmp_path / f"{source}.tar.gz")), name,
                           f"{source}.tar.gz")
    serve = start_serve("--instance-memory", "1GiB")
    create_endpoint(serve.client("sagemaker"), "trees", f"s3://{name}/")
    runtime = serve.client("sagemaker-runtime", read_timeout=90)

    def call(source):
        rows, values = numbers(source)
        try:
            answer = runtime.invoke_endpoint(EndpointName="trees", TargetModel=f"{source}.tar.gz",
                                             Body=kserve_json("input__0", rows))
        except botocore.exceptions.ClientError as error:
            return str(error)
        np.testing.assert_array_equal(first_output(answer["Body"].read()), values)
        return None

    assert [call(source) for source in FILES] == [None] * len(FILES)
    (instance,) = children(serve.pid)
    (host,) = children(instance)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(call, source) for source in list(FILES) * 20]
        os.kill(host, signal.SIGKILL)
        wait_until(lambda: children(instance) not in ([], [host]), "a new backend host")
        errors = [error for error in (each.result() for each in calls) if error]
    assert len(errors) <= 4, errors
    assert [call(source) for source in FILES] == [None] * len(FILES)
