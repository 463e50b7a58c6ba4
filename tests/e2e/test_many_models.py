"""Far more models than fit: every answer right, no error, nobody told."""
import concurrent.futures
import itertools
import random

import numpy as np
import pytest

from testkit import models
from testkit.sarai import create_endpoint, first_output, kserve_json

TINY, LARGE, CLIENTS, ROUNDS = 200, 24, 16, 3


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """{key: (archive, input name, expected)}: 200 tiny models, and 24 of 17 MB, both frameworks."""
    directory = tmp_path_factory.mktemp("crowd")
    x = np.random.default_rng(3).standard_normal((1, 16), dtype=np.float32)
    made = {}
    for number in range(TINY + LARGE):
        framework = "pt" if number % 8 == 0 else "onnx"
        hidden = 32 if number < TINY else 200_000
        net = models.mlp(number, hidden=hidden)
        folder = models.write_model_folder(net, directory / f"{number}" / "mlp", framework)
        platform, input_name, _, artifact = models.PLATFORMS[framework]
        answer = models.torch_answer if framework == "pt" else models.onnx_answer
        archive = models.pack(folder, directory / f"{number}.tar.gz")
        kind = "tiny" if number < TINY else "large"
        made[f"{kind}-{number}.tar.gz"] = (archive, input_name, answer(folder / "1" / artifact, x))
    return x, made


def test_a_third_fits_and_sixteen_clients_never_notice(start_serve, bucket, crowd):
    client, name = bucket
    x, made = crowd
    for key, (archive, _, _) in made.items():
        client.upload_file(str(archive), name, key)
    serve = start_serve("--instance-memory", "160MiB", "--instance-disk", "240MiB")
    create_endpoint(serve.client("sagemaker"), "crowd", f"s3://{name}/")
    runtime = serve.client("sagemaker-runtime", read_timeout=120)

    def run(seed):
        keys = sorted(made)
        random.Random(seed).shuffle(keys)
        wrong = []
        for key in itertools.islice(itertools.cycle(keys), len(keys) * ROUNDS // CLIENTS):
            _, input_name, expected = made[key]
            response = runtime.invoke_endpoint(EndpointName="crowd", TargetModel=key,
                                               Body=kserve_json(input_name, x))
            if not np.allclose(first_output(response["Body"].read()), expected, rtol=1e-3,
                               atol=1e-3):
                wrong.append(key)
        return wrong

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        assert list(pool.map(run, range(CLIENTS))) == [[]] * CLIENTS


def test_a_herd_for_one_cold_model_makes_one_load(start_serve, bucket, zoo):
    client, name = bucket
    client.upload_file(str(zoo.archive("onnx", 5)), name, "herd.tar.gz")
    serve = start_serve("--instance-memory", "1GiB")
    create_endpoint(serve.client("sagemaker"), "herd", f"s3://{name}")
    runtime = serve.client("sagemaker-runtime")

    def run(_):
        response = runtime.invoke_endpoint(EndpointName="herd", TargetModel="herd.tar.gz",
                                           Body=kserve_json("input", zoo.x))
        return first_output(response["Body"].read())

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(run, range(CLIENTS)))
    for answer in answers:
        np.testing.assert_allclose(answer, zoo.expected("onnx", 5), rtol=1e-5, atol=1e-6)
    events = serve.get("/sarai/v1/decisions?model=herd.tar.gz")["decisions"]
    assert sum(event["kind"] == "load" for event in events) == 1
