"""The rate limiter of `sarai instance`: runs of two models share named resources."""
import subprocess

import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from gated import FOREVER_MS, LANES, Calls, metric, pending, write_identity
from testkit import paths
from waiting import wait_until

SPACED = 20  # ms a run takes


def group(resource, count=1, priority=1, instances=1, is_global=False):
    return (f'instance_group {{ count: {instances} kind: KIND_CPU rate_limiter {{'
            f' priority: {priority} resources {{ name: "{resource}" count: {count}'
            f' global: {str(is_global).lower()} }} }} }}')


@pytest.fixture
def start(start_instance, tmp_path):
    """start(*flags, name=(instance group, delay), ...) -> server, its models loaded."""
    def launch(*flags, **models):
        for name, (config, delay_ms) in models.items():
            write_identity(tmp_path / "repository", name, config, delay_ms=delay_ms)
        server = start_instance("--model-repository", tmp_path / "repository", "--lanes", LANES,
                                *flags)
        with triton.InferenceServerClient(server.http) as client:
            for name in models:
                client.load_model(name)
        return server
    return launch


ON = ("--rate-limit", "execution_count")


@pytest.mark.parametrize("is_global", [False, True])
def test_two_models_take_turns_with_a_resource(start, is_global):
    server = start(*ON, "--rate-limit-resource", "R1:1",
                   holds=(group("R1", is_global=is_global), FOREVER_MS),
                   asks=(group("R1", is_global=is_global), 0), free=(group("R2"), 0))
    holds, asks, free = (Calls(server, name) for name in ("holds", "asks", "free"))
    holds.send(0)
    wait_until(lambda: metric(server, "sarai_model_in_flight_requests", "holds") == 1
               and pending(server, "holds") == 0, "the resource is held")
    asks.queue(1)
    free.send(2)
    assert free.wait() == [2]  # a lane is free, another resource too
    assert asks.order == []
    holds.cancel(0)
    assert asks.wait() == [1]
    assert not asks.errors() and not free.errors()


def test_off_it_holds_nobody(start):
    server = start("--rate-limit", "off", holds=(group("R1"), FOREVER_MS), asks=(group("R1"), 0))
    holds, asks = Calls(server, "holds"), Calls(server, "asks")
    holds.send(0)
    wait_until(lambda: metric(server, "sarai_model_in_flight_requests", "holds") == 1,
               "the run is under way")
    asks.send(1)
    asks.wait()
    assert not asks.errors()
    holds.cancel(0)


def test_the_model_of_higher_priority_runs_more_often(start):
    """Priority 1 runs twice as often as 2: of the first twelve runs, eight."""
    server = start(*ON, "--rate-limit-resource", "R:1", holds=(group("R"), FOREVER_MS),
                   often=(group("R", priority=1), SPACED), seldom=(group("R", priority=2), SPACED))
    holds, often, seldom = (Calls(server, name) for name in ("holds", "often", "seldom"))
    holds.send(0)
    wait_until(lambda: metric(server, "sarai_model_in_flight_requests", "holds") == 1
               and pending(server, "holds") == 0, "the resource is held")
    for value in range(8):
        often.queue(value)
        seldom.queue(value)
    holds.cancel(0)
    often.wait()
    meanwhile = len(seldom.order)
    assert 2 <= meanwhile <= 5, f"'seldom' ran {meanwhile} times while 'often' ran 8 times"
    seldom.wait()
    assert not often.errors() and not seldom.errors()


def test_a_model_that_asks_for_more_than_there_is_is_refused_by_name(start):
    with pytest.raises(InferenceServerException, match="needs 4 of resource 'R', but .* only 3"):
        start(*ON, "--rate-limit-resource", "R:3:0", greedy=(group("R", count=4), 0))


@pytest.mark.parametrize("flag", [("--rate-limit", "sometimes"), ("--rate-limit-resource", "R"),
                                  ("--rate-limit-resource", "R:x"),
                                  ("--rate-limit-resource", "R:1:2:3")])
def test_a_wrong_flag_is_named(flag):
    refused = subprocess.run([paths.SARAI, "instance", *flag], capture_output=True, text=True,
                             timeout=30, check=False)
    assert refused.returncode != 0
    assert flag[0] in refused.stderr and flag[1] in refused.stderr
