"""Real parts for end-to-end tests: an S3 server, models of both frameworks, Sarai's processes."""
import itertools

import numpy as np
import pytest

from testkit import models
from testkit.s3 import S3Server
from testkit.sarai import Instance, Serve

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def s3(tmp_path_factory):
    with S3Server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def bucket(s3):
    """A bucket of the test's own: its name; (client, name) where objects are put."""
    name = f"test-{next(_numbers)}"
    client = s3.client()
    client.create_bucket(Bucket=name)
    return client, name


@pytest.fixture
def start_serve(s3, tmp_path):
    """start_serve(*flags, state=None) -> Serve; all are stopped at the end."""
    started = []

    def start(*flags, state=None, env=None, endpoint=None):
        log = tmp_path / f"serve-{len(started)}.log"
        serve = Serve(state or tmp_path / "state", log, "--s3-endpoint", endpoint or s3.endpoint,
                      *flags, env={**s3.credentials, **(env or {})})
        started.append(serve)
        return serve

    yield start
    for serve in started:
        if serve.popen.poll() is None:
            serve.stop()


@pytest.fixture
def start_instance(s3, tmp_path):
    """start_instance(*flags) -> Instance; all are stopped at the end."""
    started = []

    def start(*flags, env=None):
        instance = Instance(tmp_path / f"instance-{len(started)}.log", *flags,
                            env={**s3.credentials, **(env or {})})
        started.append(instance)
        return instance

    yield start
    for instance in started:
        if instance.popen.poll() is None:
            instance.stop()


class Zoo:
    """Small packed models of both frameworks; the same number always means the same weights."""

    INPUTS = {"onnx": "input", "pt": "INPUT__0"}

    def __init__(self, directory):
        self.directory = directory
        self._made = {}
        self.x = np.random.default_rng(7).standard_normal((2, 16), dtype=np.float32)

    def folder(self, framework, number):
        return self._make(framework, number)[0]

    def archive(self, framework, number):
        return self._make(framework, number)[1]

    def expected(self, framework, number):
        """The runtime's own answer for self.x."""
        return self._make(framework, number)[2]

    def _make(self, framework, number):
        key = (framework, number)
        if key not in self._made:
            net = models.mlp(number)
            scratch = self.directory / f"{framework}-{number}"
            folder = models.write_model_folder(net, scratch / "mlp", framework)
            archive = models.pack(folder, scratch / "mlp.tar.gz")
            artifact = folder / "1" / models.PLATFORMS[framework][3]
            answer = models.onnx_answer if framework == "onnx" else models.torch_answer
            self._made[key] = (folder, archive, answer(artifact, self.x))
        return self._made[key]


@pytest.fixture(scope="session")
def zoo(tmp_path_factory):
    return Zoo(tmp_path_factory.mktemp("zoo"))
