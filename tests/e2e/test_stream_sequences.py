"""Sequences of models that respond any number of times, over one stream of Triton's gRPC client."""
import queue

import numpy as np
import pytest
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

from testkit.example_models import tensors, write_model

REPEAT = ('backend: "repeat"\nmodel_transaction_policy { decoupled: true }\n'
          + tensors("input", ("IN", "INT32", (-1,), ""), ("DELAY", "UINT32", (-1,), ""),
                    ("WAIT", "UINT32", (1,), ""))
          + tensors("output", ("OUT", "INT32", (1,), ""), ("IDX", "UINT32", (1,), "")))


class Stream:
    """A stream whose answers are taken one by one, as (request id, value); None = the end."""

    def __init__(self, server):
        self.client, self.answers = triton.InferenceServerClient(server.grpc), queue.Queue()

    def __enter__(self):
        self.client.start_stream(lambda result, error: self.answers.put((result, error)))
        return self

    def __exit__(self, *_):
        self.client.stop_stream(cancel_requests=True)
        self.client.close()

    def send(self, model, inputs, request_id, **arguments):
        self.client.async_stream_infer(model, inputs, request_id=request_id,
                                       enable_empty_final_response=True, **arguments)

    def take(self, output="OUT"):
        result, error = self.answers.get(timeout=60)
        if error is not None:
            raise error
        value = result.as_numpy(output)
        return result.get_response().id, None if value is None else value.item()

    def take_all(self, requests, output="OUT"):
        """Until as many requests have ended: their values, by id."""
        values = {}
        while requests:
            request_id, value = self.take(output)
            if value is None:
                requests -= 1
            else:
                values.setdefault(request_id, []).append(value)
        return values


def tensor(name, array, kind):
    made = triton.InferInput(name, list(array.shape), kind)
    made.set_data_from_numpy(array)
    return made


def repeat_inputs(values, delay_ms=0, wait_ms=0):
    return [tensor("IN", np.array(values, np.int32), "INT32"),
            tensor("DELAY", np.full(len(values), delay_ms, np.uint32), "UINT32"),
            tensor("WAIT", np.array([wait_ms], np.uint32), "UINT32")]


@pytest.fixture
def repository(tmp_path):
    path = tmp_path / "repository"
    path.mkdir()
    return path


def test_several_sequences_of_a_decoupled_model_in_one_stream(start_instance, repository):
    write_model(repository, "repeat", REPEAT + 'instance_group { kind: KIND_CPU count: 2 }\n'
                'sequence_batching { max_sequence_idle_microseconds: 60000000 }\n')
    with Stream(start_instance("--model-repository", repository)) as stream:
        for step in range(3):
            for sequence in (1, 2, "three"):
                stream.send("repeat", repeat_inputs([step, 10 * step], delay_ms=1),
                            f"{sequence}.{step}", sequence_id=sequence,
                            sequence_start=step == 0, sequence_end=step == 2)
        assert stream.take_all(9) == {f"{sequence}.{step}": [step, 10 * step]
                                      for sequence in (1, 2, "three") for step in range(3)}


def test_a_sequence_goes_on_while_responses_of_its_last_request_are_still_to_come(
        start_instance, repository):
    write_model(repository, "repeat", REPEAT + 'sequence_batching { }\n')
    with Stream(start_instance("--model-repository", repository)) as stream:
        stream.send("repeat", repeat_inputs([1], delay_ms=600_000), "slow", sequence_id=1,
                    sequence_start=True)
        stream.send("repeat", repeat_inputs([2]), "quick", sequence_id=1)
        assert [stream.take(), stream.take()] == [("quick", 2), ("quick", None)]


def test_a_step_without_its_start_is_refused_and_the_stream_goes_on(start_instance, repository):
    write_model(repository, "repeat", REPEAT + 'sequence_batching { }\n')
    with Stream(start_instance("--model-repository", repository)) as stream:
        stream.send("repeat", repeat_inputs([1]), "lost", sequence_id=5)
        with pytest.raises(InferenceServerException, match="must specify the START flag"):
            stream.take()
        stream.send("repeat", repeat_inputs([3]), "begun", sequence_id=5, sequence_start=True)
        assert stream.take_all(1) == {"begun": [3]}


def write_countdown(repository, more=""):
    write_model(repository, "countdown", 'backend: "iterative_sequence"\nmax_batch_size: 4\n'
                + tensors("input", ("INPUT", "INT32", (1,), ""))
                + tensors("output", ("OUTPUT", "INT32", (1,), "")) + more)


ITERATIVE = "sequence_batching { iterative_sequence: true }\n"
DECOUPLED = "model_transaction_policy { decoupled: true }\n"


def count(value):
    return [tensor("INPUT", np.array([[value]], np.int32), "INT32")]


def test_requests_of_an_iterative_model_respond_at_each_of_their_runs(start_instance, repository):
    write_countdown(repository, ITERATIVE + DECOUPLED)
    with Stream(start_instance("--model-repository", repository)) as stream:
        starts = [9, 1, 40, 5, 17, 3, 28]
        for start in starts:
            stream.send("countdown", count(start), str(start))
        values = {}
        while any(values.get(str(start), [None])[-1] != 0 for start in starts):
            request_id, value = stream.take("OUTPUT")
            values.setdefault(request_id, []).append(value)
        assert values == {str(start): list(range(start - 1, -1, -1)) for start in starts}
        statistics = stream.client.get_inference_statistics("countdown").model_stats[0]
        assert statistics.inference_count == len(starts)
        assert max(starts) <= statistics.execution_count < sum(starts)


def test_an_iterative_model_of_one_response_answers_when_it_is_done(start_instance, repository):
    write_countdown(repository, ITERATIVE)
    server = start_instance("--model-repository", repository)
    with triton.InferenceServerClient(server.grpc) as client:
        assert client.infer("countdown", count(6)).as_numpy("OUTPUT").item() == 0
        assert client.get_inference_statistics("countdown").model_stats[0].execution_count == 6


def test_a_backend_that_hands_back_needs_a_scheduler_that_takes_it(start_instance, repository):
    write_countdown(repository, DECOUPLED + "sequence_batching { }\n")
    with Stream(start_instance("--model-repository", repository)) as stream:
        stream.send("countdown", count(2), "a", sequence_id=1, sequence_start=True)
        with pytest.raises(InferenceServerException, match="REQUEST_RELEASE_RESCHEDULE"):
            stream.take("OUTPUT")
