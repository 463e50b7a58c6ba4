"""The dynamic batcher of `sarai instance`, watched by statistics while a gate holds the lanes."""
import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from gated import LANES, Calls, Gate, Statistics, int32, write_gate, write_identity

SPACED = 20  # ms a run takes: answers come one after the other


@pytest.fixture
def serve(start_instance, tmp_path):
    """serve(config, ...) -> (server, calls): one model 'm', and the gate."""
    def launch(config, size=8, delay_ms=0, count=1):
        repository = tmp_path / "repository"
        write_gate(repository)
        write_identity(repository, "m", config, size, delay_ms=delay_ms, count=count)
        server = start_instance("--model-repository", repository, "--lanes", LANES)
        with triton.InferenceServerClient(server.http) as client:
            client.load_model("m")
        return server, Calls(server, "m")
    return launch


def gather(server, calls, count, **options):
    """Lets `count` requests gather behind the gate and go on together."""
    with Gate(server):
        for value in range(count):
            calls.queue(value, **options)
    calls.wait()
    for value in range(count):
        np.testing.assert_array_equal(calls.answers[value].as_numpy("OUTPUT0"), [[value]])


def test_what_waits_runs_as_one_batch_up_to_max_batch_size(serve):
    server, calls = serve("dynamic_batching { }", size=4)
    gather(server, calls, 7)
    statistics = Statistics(server, "m")
    assert statistics.batches == {4: 1, 3: 1}
    assert statistics.inferences == 7
    assert statistics.count("success") == statistics.count("queue") == 7


def test_without_dynamic_batching_each_request_runs_alone(serve):
    server, calls = serve("", size=4)
    gather(server, calls, 5)
    assert Statistics(server, "m").batches == {1: 5}


def test_a_preferred_size_is_sent_and_the_rest_waits_for_its_delay(serve):
    server, calls = serve("dynamic_batching { preferred_batch_size: [ 4 ]"
                          " max_queue_delay_microseconds: 60000000 }")
    with Gate(server):
        for value in range(6):
            calls.queue(value)
    assert sorted(calls.wait(4)) == [0, 1, 2, 3]
    assert Statistics(server, "m").batches == {4: 1}
    for value in (6, 7):  # the two that wait, and these, are a preferred size again
        calls.send(value)
    calls.wait()
    assert Statistics(server, "m").batches == {4: 2}


def test_a_delay_ends_the_wait_for_a_preferred_size(serve):
    server, calls = serve("dynamic_batching { preferred_batch_size: [ 8 ]"
                          " max_queue_delay_microseconds: 1000 }")
    gather(server, calls, 3)
    assert Statistics(server, "m").batches == {3: 1}


def test_requests_of_several_items_share_a_batch(serve):
    server, calls = serve("dynamic_batching { }")
    with Gate(server):
        calls.queue(1, shape=(3, 1))
        calls.queue(2, shape=(4, 1))
        calls.queue(3, shape=(2, 1))
    calls.wait()
    assert Statistics(server, "m").batches == {7: 1, 2: 1}
    assert calls.answers[2].as_numpy("OUTPUT0").ravel().tolist() == [2] * 4


def test_a_batch_larger_than_the_models_is_refused_by_name(serve):
    server, _ = serve("dynamic_batching { }", size=4)
    with pytest.raises(InferenceServerException,
                       match="batch-size must be <= 4 for 'm' .*'INPUT0' has 5"):
        triton.InferenceServerClient(server.http).infer(
            "m", [int32(triton, "INPUT0", np.zeros((5, 1)))])


def test_answers_keep_the_order_of_requests_over_several_instances(serve):
    server, calls = serve("dynamic_batching { preserve_ordering: true }", size=1,
                          delay_ms=SPACED, count=2)
    gather(server, calls, 8)
    assert calls.order == list(range(8))


def test_higher_levels_overtake_and_a_level_has_a_queue_of_its_own(serve):
    server, calls = serve("""dynamic_batching { priority_levels: 3 default_priority_level: 2
        priority_queue_policy { key: 3 value { max_queue_size: 1 } } }""", size=1, delay_ms=SPACED)
    with Gate(server):
        for value, level in ((30, 3), (20, 2), (21, 0), (22, 9), (10, 1)):
            calls.queue(value, priority=level)
        calls.send(31, priority=3)
        assert calls.wait(1) == [31]
    assert calls.wait()[1:] == [10, 20, 21, 22, 30]
    assert "Exceeds maximum queue size" in calls.errors()[31].message()


def test_a_full_queue_refuses_in_tritons_words_over_both_protocols(serve):
    server, calls = serve("dynamic_batching { default_queue_policy { max_queue_size: 2 } }", size=1)
    with Gate(server):
        calls.queue(0)
        calls.queue(1)
        calls.send(2)
        calls.wait(1)
        with pytest.raises(InferenceServerException, match="Exceeds maximum queue size") as refused:
            triton.InferenceServerClient(server.http).infer("m", [int32(triton, "INPUT0", [[3]])])
        assert refused.value.status() == "503"
    calls.wait()
    assert {value: error.status() for value, error in calls.errors().items()} == {
        2: "StatusCode.UNAVAILABLE"}
    assert Statistics(server, "m").count("fail") == 2


def test_a_request_whose_time_is_up_is_rejected_while_it_still_waits(serve):
    server, calls = serve("dynamic_batching { default_queue_policy {"
                          " default_timeout_microseconds: 1000 } }", size=1)
    with Gate(server):
        calls.send(0)
        calls.wait()
        with pytest.raises(InferenceServerException, match="Request timeout expired") as rejected:
            triton.InferenceServerClient(server.http).infer("m", [int32(triton, "INPUT0", [[1]])])
        assert rejected.value.status() == "503"
    assert calls.errors()[0].status() == "StatusCode.UNAVAILABLE"
    assert "Request timeout expired" in calls.errors()[0].message()


def test_a_request_whose_time_is_up_is_delayed_behind_those_in_time(serve):
    server, calls = serve("""dynamic_batching { priority_levels: 2 default_priority_level: 1
        default_queue_policy { timeout_action: DELAY default_timeout_microseconds: 60000000
                               allow_timeout_override: true } }""",
                          size=1, delay_ms=SPACED)
    with Gate(server):
        calls.queue(0, timeout=1000)
        calls.queue(1)
        calls.queue(2, timeout=1000)
        calls.queue(3)
    assert calls.wait() == [1, 3, 0, 2]
    assert not calls.errors()


def test_a_requests_own_timeout_counts_only_where_the_model_allows_it(start_instance, tmp_path):
    repository = tmp_path / "repository"
    write_gate(repository)
    for name, allowed in (("strict", "false"), ("free", "true")):
        write_identity(repository, name, "dynamic_batching { default_queue_policy {"
                       f" default_timeout_microseconds: 60000000"
                       f" allow_timeout_override: {allowed} }} }}")
    server = start_instance("--model-repository", repository, "--lanes", LANES)
    strict, free = Calls(server, "strict"), Calls(server, "free")
    with triton.InferenceServerClient(server.http) as client:
        for name in ("strict", "free"):
            client.load_model(name)
    with Gate(server):
        strict.queue(0, timeout=1000)
        free.send(0, timeout=1000)
        free.wait()
        assert "Request timeout expired" in free.errors()[0].message()
        assert strict.order == []
    strict.wait()
    assert not strict.errors()


def test_a_client_that_leaves_takes_its_request_out_of_the_queue(serve):
    server, calls = serve("dynamic_batching { }", size=1, delay_ms=SPACED)
    with Gate(server):
        for value in range(3):
            calls.queue(value)
        calls.cancel(1)
        assert calls.wait(1) == [1]
    calls.wait()
    assert list(calls.errors()) == [1]
    assert Statistics(server, "m").executions == 2


def test_a_flood_on_one_model_does_not_starve_another(start_instance, tmp_path):
    """B's requests are answered while A's queue is still longer than all of B's."""
    repository = tmp_path / "repository"
    write_gate(repository)
    for name in ("a", "b"):
        write_identity(repository, name, "dynamic_batching { }", count=LANES, delay_ms=SPACED)
    server = start_instance("--model-repository", repository, "--lanes", LANES)
    with triton.InferenceServerClient(server.http) as client:
        for name in ("a", "b"):
            client.load_model(name)
    flood, few = Calls(server, "a"), Calls(server, "b")
    with Gate(server):
        for value in range(64):
            flood.send(value)
        for value in range(4):
            few.queue(value)
    few.wait()
    answered = len(flood.order)
    assert answered < 32, f"{answered} of A's 64 were answered before B's 4"
    flood.wait()
    assert not flood.errors() and not few.errors()
