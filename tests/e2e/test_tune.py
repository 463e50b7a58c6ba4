"""`sarai model tune`: the configuration it writes is one that serves."""
import html.parser
import shutil
import signal
import subprocess

import numpy as np
import pytest
import tritonclient.http as triton

from testkit import models, paths
from testkit.process import Process

CLIENTS = ("--clients", "1,2", "--trial", "50ms")


@pytest.fixture
def model(tmp_path):
    return models.write_model_folder(models.mlp(3), tmp_path / "mlp", "onnx")


def tune(*flags):
    return subprocess.run([paths.SARAI, "model", "tune", *map(str, flags)], capture_output=True,
                          text=True, timeout=120, check=False)


class Rows(html.parser.HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.count, self.open = 0, []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.count += tag == "tr"
        if tag not in ("meta", "line", "circle", "path", "polyline", "rect"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.open:
            assert self.open.pop() == tag, f"</{tag}> closes something else"


def test_what_it_writes_serves_the_same_answers(model, tmp_path, start_instance):
    before = (model / "config.pbtxt").read_text()
    best, page = tmp_path / "best.pbtxt", tmp_path / "report.html"
    done = tune(model, *CLIENTS, "--instances", "1,2", "--batch-sizes", "0,8",
                "--queue-delays", "100", "-o", best, "--report", page)
    assert done.returncode == 0, done.stderr
    assert "as it is" in done.stdout and "batches of 8 within 100 us" in done.stdout
    assert (model / "config.pbtxt").read_text() == before
    # Two numbers of instances, two ways to batch, two of threads, and what is there; a heading.
    rows = Rows(page.read_text())
    assert rows.count == 2 * 2 * 2 + 1 + 1 and not rows.open

    tuned = tmp_path / "repository" / "mlp"
    shutil.copytree(model, tuned)
    (tuned / "config.pbtxt").write_text(best.read_text())
    server = start_instance("--model-repository", tuned.parent)
    x = np.random.default_rng(1).random((3, 16), dtype=np.float32)
    given = triton.InferInput("input", [3, 16], "FP32")
    given.set_data_from_numpy(x)
    with triton.InferenceServerClient(server.http) as client:
        answer = client.infer("mlp", [given]).as_numpy("output")
    np.testing.assert_allclose(answer, models.onnx_answer(model / "1" / "model.onnx", x),
                               rtol=1e-5, atol=1e-6)


def test_limits_that_nothing_keeps_are_said(model):
    done = tune(model, *CLIENTS, "--instances", "1", "--p99-max", "1us")
    assert done.returncode == 1
    assert "No configuration keeps the limits (p99 at most 1.00 us)" in done.stdout


@pytest.mark.parametrize("flags, message", [
    (("--clients", "4,2"), "--clients are numbers from 1, ascending"),
    (("--instances", "1,x"), "--instances"),
])
def test_lists_that_make_no_sense_are_refused(model, flags, message):
    done = tune(model, *flags)
    assert done.returncode != 0 and message in done.stderr


def test_a_model_that_cannot_be_loaded_is_told_with_its_reason(model):
    (model / "1" / "model.onnx").write_bytes(b"no model")
    done = tune(model, *CLIENTS)
    assert done.returncode == 2 and "mlp" in done.stderr


def test_an_interrupt_ends_it_with_what_is_known(model, tmp_path):
    log = tmp_path / "log"
    running = Process([paths.SARAI, "model", "tune", model, "--clients", "1", "--trial", "100ms",
                       "--batch-sizes", "0", "--time-max", "10m"], log)
    while "[2 of" not in log.read_text():
        assert running.popen.poll() is None  # poll: until the first trial has been told
    running.popen.send_signal(signal.SIGINT)
    line = running.wait_for_line("mlp: ")
    assert "(stopped before the end)" in line
    assert running.stop() in (0, 1)
