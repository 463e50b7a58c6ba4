"""Stateful models behind `sarai instance`, driven by Triton's own HTTP client."""
import concurrent.futures
import random

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from gated import LANES, Calls, Gate, Statistics, pending, write_gate
from testkit import sequence_models
from testkit.sequence_models import DIRECT, OLDEST
from waiting import wait_until


@pytest.fixture
def repository(tmp_path):
    path = tmp_path / "repository"
    path.mkdir()
    return path


def connect(server):
    return triton.InferenceServerClient(server.http)


def step(client, model, value, sequence, start=False, end=False, shape=(1, 1), timeout=None):
    tensor = triton.InferInput("INPUT", list(shape), "INT32")
    tensor.set_data_from_numpy(np.full(shape, value, dtype=np.int32))
    result = client.infer(model, [tensor], sequence_id=sequence, sequence_start=start,
                          sequence_end=end, timeout=timeout)
    return result.as_numpy("OUTPUT").ravel().tolist()


def run_sequence(client, model, sequence, values):
    return [step(client, model, value, sequence, start=i == 0, end=i == len(values) - 1)[0]
            for i, value in enumerate(values)]


@pytest.mark.parametrize("strategy", [DIRECT, OLDEST])
def test_interleaved_sequences_add_up_their_own_values(start_instance, repository, strategy):
    sequence_models.write_simple_sequence(repository / "simple_sequence", strategy)
    client = connect(start_instance("--model-repository", repository))
    totals = {1: 0, 2: 0, "three": 0}
    for round_ in range(4):
        for number, sequence in enumerate(totals):
            value = 10 * round_ + number
            totals[sequence] += value
            assert step(client, "simple_sequence", value, sequence, start=round_ == 0,
                        end=round_ == 3) == [totals[sequence]]


@pytest.mark.parametrize("strategy,instances,batch", [(DIRECT, 2, 4), (DIRECT, 1, 0),
                                                      (OLDEST, 2, 4)])
def test_many_sequences_at_once_wait_for_slots_and_come_out_right(start_instance, repository,
                                                                  strategy, instances, batch):
    sequence_models.write_simple_sequence(repository / "sums", strategy, instances=instances,
                                          max_batch_size=batch)
    server = start_instance("--model-repository", repository)
    shape = (1, 1) if batch else (1,)
    rng = random.Random(7)
    values = {number: [rng.randrange(1000) for _ in range(rng.randrange(1, 12))]
              for number in range(1, 25)}

    def run(number):
        client, series = connect(server), values[number]
        return [step(client, "sums", value, number, i == 0, i == len(series) - 1, shape)[0]
                for i, value in enumerate(series)]

    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        answers = dict(zip(values, pool.map(run, values)))
    for number, series in values.items():
        assert answers[number] == np.cumsum(series).tolist(), number


def test_a_torchscript_model_keeps_its_state(start_instance, repository):
    sequence_models.write_torch_sequence(repository / "sums")
    client = connect(start_instance("--model-repository", repository))

    def add(value, sequence, start=False):
        tensor = triton.InferInput("INPUT", [1, 1], "FP32")
        tensor.set_data_from_numpy(np.full((1, 1), value, dtype=np.float32))
        result = client.infer("sums", [tensor], sequence_id=sequence, sequence_start=start)
        assert [output["name"] for output in result.get_response()["outputs"]] == ["OUTPUT__0"]
        return result.as_numpy("OUTPUT__0").item()

    assert add(1, 1, start=True) == 1
    assert add(10, 2, start=True) == 10
    assert add(2, 1) == 3
    assert add(20, 2) == 30


def test_a_model_with_a_live_sequence_is_not_evicted(start_instance, repository):
    for name in ("one", "two"):
        sequence_models.write_simple_sequence(repository / name, ballast=6 << 20,
                                              idle_us=60_000_000)
    server = start_instance("--model-repository", repository, "--instance-memory", "40MiB")
    client = connect(server)
    assert step(client, "one", 1, 1, start=True) == [1]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        other = pool.submit(lambda: step(connect(server), "two", 5, 1, start=True, end=True))
        for value in range(2, 60):
            assert step(client, "one", 1, 1) == [value]
        assert not other.done()
        assert step(client, "one", 1, 1, end=True) == [60]
        assert other.result(timeout=60) == [5]


def test_the_correlation_id_and_the_end_reach_the_model(start_instance, repository):
    sequence_models.write_simple_dyna_sequence(repository / "simple_dyna_sequence")
    client = connect(start_instance("--model-repository", repository))
    assert run_sequence(client, "simple_dyna_sequence", 1000, [11, 7, 5]) == [11, 18, 1023]
    assert run_sequence(client, "simple_dyna_sequence", 1001, [1]) == [1002]
    with pytest.raises(InferenceServerException, match="is a text, but the model's input 'CORRID'"):
        step(client, "simple_dyna_sequence", 1, "name", start=True)


def test_a_correlation_id_may_be_a_text(start_instance, repository):
    sequence_models.write_named_sequence(repository / "named")
    client = connect(start_instance("--model-repository", repository))
    assert step(client, "named", 1, "Übung 7", start=True) == ["Übung 7".encode()]
    assert step(client, "named", 1, 42, start=True, end=True) == [b"42"]


def test_a_state_may_grow_and_begin_with_a_file(start_instance, repository):
    sequence_models.write_history(repository / "history",
                                  np.array([-1, -2], dtype=np.int32).tobytes())
    client = connect(start_instance("--model-repository", repository))
    assert step(client, "history", 5, 1, start=True) == [-1, -2, 5]
    assert step(client, "history", 9, 2, start=True) == [-1, -2, 9]
    assert step(client, "history", 6, 1) == [-1, -2, 5, 6]
    assert step(client, "history", 7, 1, end=True) == [-1, -2, 5, 6, 7]


def test_states_and_controls_are_not_the_clients(start_instance, repository):
    sequence_models.write_simple_sequence(repository / "sums")
    client = connect(start_instance("--model-repository", repository))
    assert [t["name"] for t in client.get_model_metadata("sums")["inputs"]] == ["INPUT"]
    assert [t["name"] for t in client.get_model_metadata("sums")["outputs"]] == ["OUTPUT"]
    inputs = []
    for name in ("INPUT", "START"):
        inputs.append(triton.InferInput(name, [1, 1], "INT32"))
        inputs[-1].set_data_from_numpy(np.ones((1, 1), dtype=np.int32))
    with pytest.raises(InferenceServerException, match="unexpected inference input 'START'"):
        client.infer("sums", inputs, sequence_id=1, sequence_start=True)


def test_wrong_use_is_named(start_instance, repository):
    sequence_models.write_simple_sequence(repository / "sums")
    client = connect(start_instance("--model-repository", repository))
    with pytest.raises(InferenceServerException,
                       match="sequence 5 to model 'sums' must specify the START flag"):
        step(client, "sums", 1, 5)
    with pytest.raises(InferenceServerException, match="correlation ID"):
        step(client, "sums", 1, 0, start=True)
    with pytest.raises(InferenceServerException, match="batch-size 1"):
        step(client, "sums", 1, 5, start=True, shape=(2, 1))
    assert run_sequence(client, "sums", 5, [1, 2]) == [1, 3]
    with pytest.raises(InferenceServerException, match="must specify the START flag"):
        step(client, "sums", 1, 5)


def test_start_begins_a_live_sequence_anew(start_instance, repository):
    sequence_models.write_simple_sequence(repository / "sums")
    client = connect(start_instance("--model-repository", repository))
    assert step(client, "sums", 10, 1, start=True) == [10]
    assert step(client, "sums", 3, 1, start=True) == [3]
    assert step(client, "sums", 4, 1, end=True) == [7]


@pytest.mark.parametrize("strategy", [DIRECT, "oldest { max_candidate_sequences: 2 }"])
def test_more_sequences_than_slots_wait_in_the_order_of_their_start(start_instance, repository,
                                                                    strategy):
    """Two slots: the third and fourth get theirs when the first and second end."""
    sequence_models.write_simple_sequence(repository / "sums", strategy, max_batch_size=2,
                                          idle_us=600_000_000)
    server = start_instance("--model-repository", repository)
    client = connect(server)
    for sequence in (1, 2):
        assert step(client, "sums", sequence, sequence, start=True) == [sequence]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        waiting = []
        for sequence in (3, 4):
            waiting.append(pool.submit(lambda number: step(connect(server), "sums", number, number,
                                                           start=True), sequence))
            wait_until(lambda: pending(server, "sums") == len(waiting), "it waits for a slot")
        assert step(client, "sums", 10, 2) == [12]  # those that have a slot go on
        assert step(client, "sums", 10, 2, end=True) == [22]
        assert waiting[0].result(timeout=60) == [3]
        assert not waiting[1].done()
        assert step(client, "sums", 10, 1, end=True) == [11]
        assert waiting[1].result(timeout=60) == [4]
    for sequence in (3, 4):
        assert step(client, "sums", 1, sequence, end=True) == [sequence + 1]


def test_a_requests_timeout_ends_its_wait_for_a_slot(start_instance, repository):
    sequence_models.write_simple_sequence(repository / "sums", max_batch_size=0,
                                          idle_us=600_000_000)
    client = connect(start_instance("--model-repository", repository))
    assert step(client, "sums", 1, 1, start=True, shape=(1,)) == [1]
    with pytest.raises(InferenceServerException,
                       match="timeout of the corresponding sequence has been expired") as refused:
        step(client, "sums", 1, 2, start=True, shape=(1,), timeout=1000)
    assert refused.value.status() == "503"
    assert step(client, "sums", 2, 1, end=True, shape=(1,)) == [3]


@pytest.mark.parametrize("strategy,batch", [
    (DIRECT, 3),  # the middle sequence has nothing: its row is there, but not ready
    ("oldest { max_candidate_sequences: 4 }", 2)])
def test_rows_of_a_batch_say_whose_they_are(start_instance, repository, strategy, batch):
    """The model answers how many rows of its batch are ready, are there, begin, and end."""
    sequence_models.write_control_watcher(repository / "watch", strategy)
    write_gate(repository)
    server = start_instance("--model-repository", repository, "--lanes", LANES)
    client = connect(server)
    for sequence in (1, 2, 3):
        step(client, "watch", 0, sequence, start=True)
    calls = Calls(server, "watch", "INPUT")
    with Gate(server):
        calls.queue(1, sequence_id=1)
        calls.queue(3, sequence_id=3, sequence_end=True)
    calls.wait()
    assert not calls.errors()
    for sequence in (1, 3):
        ready, size, started, ended = calls.answers[sequence].as_numpy("OUTPUT").ravel().tolist()
        assert (ready, size, started, ended) == (2, batch, 0, 1)
    assert batch in Statistics(server, "watch").batches


def test_an_idle_sequence_makes_room(start_instance, repository):
    """One slot: the second sequence is only served once the first has idled out."""
    sequence_models.write_simple_sequence(repository / "sums", idle_us=200_000, max_batch_size=0)
    client = connect(start_instance("--model-repository", repository))
    assert step(client, "sums", 10, 1, start=True, shape=(1,)) == [10]
    assert step(client, "sums", 3, 2, start=True, shape=(1,)) == [3]
    with pytest.raises(InferenceServerException, match="must specify the START flag"):
        step(client, "sums", 1, 1, shape=(1,))
