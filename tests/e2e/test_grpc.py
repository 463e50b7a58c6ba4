"""gRPC of `sarai instance`: Triton's clients, and gRPC's own health and reflection clients."""
import asyncio
import queue
import shutil
import subprocess
import threading

import grpc
import ml_dtypes
import numpy as np
import pytest
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase)
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException, serialize_byte_tensor

from testkit import sequence_models
from testkit.example_models import write_identity, write_repeat
from waiting import wait_until

TYPES = {"FP32": np.float32, "FP64": np.float64, "FP16": np.float16, "INT8": np.int8,
         "INT64": np.int64, "UINT16": np.uint16, "BOOL": np.bool_}


@pytest.fixture
def repository(tmp_path, zoo):
    path = tmp_path / "repository"
    shutil.copytree(zoo.folder("onnx", 1), path / "mlp")
    for kind in (*TYPES, "STRING", "BF16"):
        write_identity(path, f"identity_{kind.lower()}", kind)
    write_identity(path, "slow", "FP32", extra='parameters { key: "execute_delay_ms" value { '
                                               'string_value: "60000" } }\n')
    write_repeat(path)
    return path


@pytest.fixture
def server(start_instance, repository):
    return start_instance("--model-repository", repository)


@pytest.fixture
def client(server):
    with triton.InferenceServerClient(server.grpc) as connected:
        yield connected


def tensor(name, array, kind=None):
    kind = kind or next(k for k, v in TYPES.items() if v == array.dtype.type)
    made = triton.InferInput(name, list(array.shape), kind)
    made.set_data_from_numpy(array)
    return made


def infer(client, zoo, **arguments):
    return client.infer("mlp", [tensor("input", zoo.x)], **arguments)


class Stream:
    """A stream whose answers are taken one by one."""

    def __init__(self, client, **arguments):
        self.client, self.answers = client, queue.Queue()
        client.start_stream(lambda result, error: self.answers.put((result, error)), **arguments)

    def send(self, *arguments, **keywords):
        self.client.async_stream_infer(*arguments, **keywords)

    def take(self):
        result, error = self.answers.get(timeout=60)
        if error is not None:
            raise error
        return result


def repeat_inputs(values, delay_ms=0):
    return [tensor("IN", np.array(values, np.int32), "INT32"),
            tensor("DELAY", np.full(len(values), delay_ms, np.uint32), "UINT32"),
            tensor("WAIT", np.zeros(1, np.uint32), "UINT32")]


def test_health_metadata_and_configuration(client, server, zoo):
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready("mlp") and not client.is_model_ready("nothing")
    infer(client, zoo)
    assert client.is_model_ready("mlp") and client.is_model_ready("mlp", "1")
    assert not client.is_model_ready("mlp", "2")
    assert client.get_server_metadata().name
    metadata = client.get_model_metadata("mlp")
    assert metadata.platform == "onnxruntime_onnx" and list(metadata.inputs[0].shape) == [-1, 16]
    assert client.get_model_config("mlp").config.max_batch_size == 8
    with pytest.raises(InferenceServerException, match="nothing") as error:
        client.get_model_metadata("nothing")
    assert error.value.status() == "StatusCode.NOT_FOUND"
    with pytest.raises(InferenceServerException, match="'newest'") as error:
        client.get_model_metadata("mlp", "newest")
    assert error.value.status() == "StatusCode.INVALID_ARGUMENT"
    with grpc.insecure_channel(server.grpc) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        answer = health.Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_tells_services_and_messages(server):
    with grpc.insecure_channel(server.grpc) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        assert {"inference.GRPCInferenceService", "grpc.health.v1.Health"} <= set(
            database.get_services())
        service = DescriptorPool(database).FindServiceByName("inference.GRPCInferenceService")
        known = service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"]
        assert {m.name for m in service.methods} == {m.name for m in known.methods}
        for method in known.methods:
            mine = service.FindMethodByName(method.name).output_type
            assert {(f.name, f.number) for f in mine.fields} == {
                (f.name, f.number) for f in method.output_type.fields}


def test_inference_gives_the_models_answer(client, zoo):
    result = infer(client, zoo, request_id="r-1", parameters={"note": "kept"},
                   outputs=[triton.InferRequestedOutput("output")])
    np.testing.assert_allclose(result.as_numpy("output"), zoo.expected("onnx", 1), rtol=1e-5,
                               atol=1e-6)
    response = result.get_response()
    assert (response.id, response.model_name, response.model_version) == ("r-1", "mlp", "1")


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("count", [0, 1, 300_000])
def test_every_type_and_size_comes_back_as_it_went(client, kind, count):
    values = np.random.default_rng(3).integers(0, 2, count).astype(TYPES[kind])
    result = client.infer(f"identity_{kind.lower()}", [tensor("INPUT0", values)])
    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), values)


def test_strings_hold_any_bytes_and_bf16_travels_raw(client):
    strings = np.array([b"", b"a\0b", "é".encode(), bytes(range(256))], dtype=np.object_)
    result = client.infer("identity_string", [tensor("INPUT0", strings, "BYTES")])
    assert list(result.as_numpy("OUTPUT0")) == list(strings)
    halves = np.array([1.0, -2.5], ml_dtypes.bfloat16)
    result = client.infer("identity_bf16", [tensor("INPUT0", halves, "BF16")])
    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), halves)


def test_large_tensors_travel_whole(client):
    values = np.random.default_rng(5).standard_normal(8_000_000, dtype=np.float32)
    result = client.infer("identity_fp32", [tensor("INPUT0", values)])
    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), values)


def test_tensors_as_numbers(server):
    with grpc.insecure_channel(server.grpc) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        for kind, field, values, expected in (
                ("FP32", "fp32_contents", [1.5, 2], np.array([1.5, 2], np.float32).tobytes()),
                ("INT8", "int_contents", [-1, 3], b"\xff\x03"),
                ("STRING", "bytes_contents", [b"a\0", b""],
                 serialize_byte_tensor(np.array([b"a\0", b""], object)).item())):
            request = service_pb2.ModelInferRequest(model_name=f"identity_{kind.lower()}")
            request.inputs.add(name="INPUT0", datatype=kind.replace("STRING", "BYTES"), shape=[2])
            getattr(request.inputs[0].contents, field).extend(values)
            assert stub.ModelInfer(request).raw_output_contents == [expected]


def test_classes_instead_of_numbers(client, zoo):
    result = infer(client, zoo, outputs=[triton.InferRequestedOutput("output", class_count=2)])
    classes, expected = result.as_numpy("output"), zoo.expected("onnx", 1)
    assert classes.shape == (2, 2)
    assert [int(row[0].split(b":")[1]) for row in classes] == list(expected.argmax(axis=1))


def test_bad_requests_are_named_and_the_server_lives_on(client, server, zoo):
    def refused(match, model="mlp", name="input", array=zoo.x, code="INVALID_ARGUMENT", **more):
        with pytest.raises(InferenceServerException, match=match) as error:
            client.infer(model, [tensor(name, array)], **more)
        assert error.value.status() == f"StatusCode.{code}"

    refused("nothing", model="nothing", code="NOT_FOUND")
    refused("wrong", name="wrong")
    refused("input", array=np.zeros((2, 17), np.float32))
    refused("9", array=np.zeros((9, 16), np.float32))
    refused("nowhere", outputs=[triton.InferRequestedOutput("nowhere")])
    with pytest.raises(InferenceServerException, match="decoupled") as error:
        client.infer("repeat", repeat_inputs([1]))
    assert error.value.status() == "StatusCode.UNIMPLEMENTED"
    with grpc.insecure_channel(server.grpc) as channel:
        for payload in (b"\xff" * 50, b"\x2a\x7f", b""):
            call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
            with pytest.raises(grpc.RpcError) as failure:
                call(payload)
            assert failure.value.code() in (grpc.StatusCode.INVALID_ARGUMENT,
                                            grpc.StatusCode.NOT_FOUND)
        with pytest.raises(grpc.RpcError) as failure:
            channel.unary_unary("/inference.GRPCInferenceService/NoSuch")(b"")
        assert failure.value.code() == grpc.StatusCode.UNIMPLEMENTED
    infer(client, zoo)


def test_the_repository_is_listed_loaded_and_unloaded(client, zoo):
    assert "mlp" in {m.name for m in client.get_model_repository_index().models}
    client.load_model("mlp")
    assert client.is_model_ready("mlp")
    client.load_model("mlp", config='{"max_batch_size": 4}')
    assert client.get_model_config("mlp").config.max_batch_size == 4
    client.unload_model("mlp")
    with pytest.raises(InferenceServerException, match="mlp"):
        infer(client, zoo)  # held until it is loaded again
    client.load_model("mlp")
    infer(client, zoo)
    with pytest.raises(InferenceServerException, match="nothing"):
        client.load_model("nothing")


def test_many_calls_at_once(client, zoo):
    results = queue.Queue()
    for i in range(200):
        client.async_infer("mlp", [tensor("input", zoo.x)], request_id=str(i),
                           callback=lambda result, error: results.put((result, error)))
    seen = set()
    for _ in range(200):
        result, error = results.get(timeout=60)
        assert error is None
        np.testing.assert_allclose(result.as_numpy("output"), zoo.expected("onnx", 1), rtol=1e-5,
                                   atol=1e-6)
        seen.add(result.get_response().id)
    assert len(seen) == 200


def test_the_asyncio_client(server, zoo):
    async def run():
        async with triton_aio.InferenceServerClient(server.grpc) as client:
            assert await client.is_server_live()
            answers = await asyncio.gather(*(
                client.infer("mlp", [tensor("input", zoo.x)]) for _ in range(20)))

            async def requests():
                for values in ([1, 2], [3]):
                    yield {"model_name": "repeat", "inputs": repeat_inputs(values)}

            got = []
            async for result, error in client.stream_infer(requests()):
                assert error is None
                got.append(int(result.as_numpy("OUT")[0]))
            return answers, got

    answers, got = asyncio.run(run())
    for answer in answers:
        np.testing.assert_allclose(answer.as_numpy("output"), zoo.expected("onnx", 1), rtol=1e-5,
                                   atol=1e-6)
    assert sorted(got) == [1, 2, 3]


def test_a_stream_answers_in_the_order_of_its_requests(client, zoo):
    stream = Stream(client)
    for i in range(100):
        stream.send("mlp", [tensor("input", zoo.x)], request_id=str(i))
    for i in range(100):
        response = stream.take().get_response()
        assert response.id == str(i)
        assert response.parameters["triton_final_response"].bool_param
    client.stop_stream()


def test_an_error_in_a_stream_does_not_end_it(client, zoo):
    stream = Stream(client)
    stream.send("mlp", [tensor("wrong", zoo.x)], request_id="bad")
    with pytest.raises(InferenceServerException, match="wrong"):
        stream.take()
    stream.send("nothing", [tensor("input", zoo.x)])
    with pytest.raises(InferenceServerException, match="nothing"):
        stream.take()
    stream.send("mlp", [tensor("input", zoo.x)], request_id="good")
    assert stream.take().get_response().id == "good"
    client.stop_stream()


def test_an_error_ends_a_stream_whose_client_asks_for_that(client, zoo):
    stream = Stream(client, headers={"triton_grpc_error": "true"})
    stream.send("mlp", [tensor("wrong", zoo.x)])
    with pytest.raises(InferenceServerException, match="wrong") as error:
        stream.take()
    assert error.value.status() == "StatusCode.INVALID_ARGUMENT"
    client.stop_stream()


@pytest.mark.parametrize("empty_final", [False, True])
def test_a_decoupled_model_answers_as_often_as_it_likes(client, zoo, empty_final):
    stream = Stream(client)
    stream.send("repeat", repeat_inputs([7, 8, 9]), request_id="a",
                enable_empty_final_response=empty_final)
    got = [stream.take() for _ in range(3)]
    assert [int(r.as_numpy("OUT")[0]) for r in got] == [7, 8, 9]
    assert not got[0].get_response().parameters["triton_final_response"].bool_param
    if empty_final:
        last = stream.take().get_response()
        assert last.id == "a" and not last.outputs
        assert last.parameters["triton_final_response"].bool_param
    stream.send("repeat", repeat_inputs([]), request_id="none")  # no answer at all
    stream.send("mlp", [tensor("input", zoo.x)], request_id="b")
    assert stream.take().get_response().id == "b"
    client.stop_stream()


def test_sequences_over_a_stream(start_instance, tmp_path):
    repository = tmp_path / "sequences"
    repository.mkdir()
    sequence_models.write_simple_sequence(repository / "simple_sequence")
    server = start_instance("--model-repository", repository)
    with triton.InferenceServerClient(server.grpc) as client:
        stream = Stream(client)
        totals = {7: 0, "text": 0}
        for round_ in range(4):
            for sequence in totals:
                totals[sequence] += round_ + 1
                stream.send("simple_sequence",
                            [tensor("INPUT", np.full((1, 1), round_ + 1, np.int32), "INT32")],
                            sequence_id=sequence, sequence_start=round_ == 0,
                            sequence_end=round_ == 3)
                assert stream.take().as_numpy("OUTPUT").item() == totals[sequence]
        client.stop_stream()


def test_a_client_that_stops_waiting_frees_the_server(client, server):
    slow = [tensor("INPUT0", np.zeros(1, np.float32))]
    client.load_model("slow")
    with pytest.raises(InferenceServerException) as error:
        client.infer("slow", slow, client_timeout=0.5)
    assert error.value.status() == "StatusCode.DEADLINE_EXCEEDED"
    done = threading.Event()
    call = client.async_infer("slow", slow, callback=lambda result, error: done.set())
    wait_until(lambda: server.get("/sarai/v1/status")["in_flight"] > 0, "the request runs")
    call.cancel()
    assert done.wait(60)
    wait_until(lambda: server.get("/sarai/v1/status")["in_flight"] == 0, "the request is gone")


def test_compression_both_ways(start_instance, repository, zoo):
    for level in ("none", "low", "medium", "high"):
        server = start_instance("--model-repository", repository,
                                "--grpc-infer-response-compression-level", level)
        with triton.InferenceServerClient(server.grpc) as client:
            for algorithm in ("gzip", "deflate", None):
                result = infer(client, zoo, compression_algorithm=algorithm)
                np.testing.assert_allclose(result.as_numpy("output"), zoo.expected("onnx", 1),
                                           rtol=1e-5, atol=1e-6)


def test_messages_are_bounded(start_instance, repository, zoo):
    server = start_instance("--model-repository", repository, "--grpc-max-message-size", "10000")
    with triton.InferenceServerClient(server.grpc) as client:
        infer(client, zoo)
        with pytest.raises(InferenceServerException) as error:
            client.infer("identity_fp32", [tensor("INPUT0", np.zeros(10_000, np.float32))])
        assert error.value.status() == "StatusCode.RESOURCE_EXHAUSTED"


def test_connection_options_are_taken(start_instance, repository, zoo):
    server = start_instance(
        "--model-repository", repository, "--grpc-keepalive-time=10000",
        "--grpc-keepalive-timeout=5000", "--grpc-keepalive-permit-without-calls=1",
        "--grpc-http2-max-pings-without-data=0",
        "--grpc-http2-min-recv-ping-interval-without-data=5000",
        "--grpc-http2-max-ping-strikes=0", "--grpc-max-connection-age=60000",
        "--grpc-max-connection-age-grace=60000", "--grpc-infer-thread-count=3",
        "--grpc-infer-allocation-pool-size=16", "--grpc-max-response-pool-size=16",
        "--reuse-grpc-port=true", "--grpc-address=127.0.0.1", "--allow-grpc=true")
    options = triton.KeepAliveOptions(keepalive_time_ms=10_000, keepalive_timeout_ms=1_000,
                                      keepalive_permit_without_calls=True,
                                      http2_max_pings_without_data=0)
    with triton.InferenceServerClient(server.grpc, keepalive_options=options) as client:
        infer(client, zoo)


def test_grpc_can_be_switched_off(start_instance, repository):
    assert start_instance("--model-repository", repository, "--allow-grpc=false").grpc is None


def test_restricted_protocols_ask_for_their_header(start_instance, repository, zoo):
    server = start_instance("--model-repository", repository,
                            "--grpc-restricted-protocol", "inference,model-repository:infer-key=1",
                            "--grpc-restricted-protocol", "model-config:other=2")
    with triton.InferenceServerClient(server.grpc) as client:
        assert client.is_server_live()
        for headers in (None, {"triton-grpc-protocol-infer-key": "2"}, {"infer-key": "1"}):
            with pytest.raises(InferenceServerException,
                               match="expecting header 'triton-grpc-protocol-infer-key'") as error:
                infer(client, zoo, headers=headers)
            assert error.value.status() == "StatusCode.UNAVAILABLE"
        right = {"triton-grpc-protocol-infer-key": "1"}
        infer(client, zoo, headers=right)
        client.load_model("mlp", headers=right)
        with pytest.raises(InferenceServerException, match="triton-grpc-protocol-other"):
            client.get_model_config("mlp", headers=right)
        stream = Stream(client)
        with pytest.raises(InferenceServerException, match="restricted"):
            stream.take()
        client.stop_stream()


def test_reserved_names_cannot_be_forwarded(start_instance, repository, zoo):
    server = start_instance("--model-repository", repository,
                            "--grpc-header-forward-pattern", "^(my-|timeout)")
    with triton.InferenceServerClient(server.grpc) as client:
        infer(client, zoo, headers={"my-header": "x"})
        with pytest.raises(InferenceServerException, match="'timeout'"):
            infer(client, zoo, headers={"timeout": "1"})


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority, and a server's and a client's certificate of it."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], cwd=folder, check=True,
                       capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt",
            "-days", "2", "-subj", "/CN=authority")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name in ("server", "client"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out",
                f"{name}.csr", "-subj", "/CN=localhost")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                "-CAcreateserial", "-out", f"{name}.crt", "-days", "2", "-extfile", "names")
    return folder


@pytest.mark.parametrize("mutual", [False, True])
def test_tls(start_instance, repository, zoo, certificates, mutual):
    server = start_instance(
        "--model-repository", repository, "--grpc-use-ssl=true",
        f"--grpc-use-ssl-mutual={str(mutual).lower()}",
        "--grpc-server-cert", certificates / "server.crt",
        "--grpc-server-key", certificates / "server.key",
        "--grpc-root-cert", certificates / "ca.crt")
    own = {"private_key": str(certificates / "client.key"),
           "certificate_chain": str(certificates / "client.crt")} if mutual else {}
    with triton.InferenceServerClient(server.grpc, ssl=True,
                                      root_certificates=str(certificates / "ca.crt"),
                                      **own) as client:
        infer(client, zoo)
    if mutual:
        with triton.InferenceServerClient(server.grpc, ssl=True,
                                          root_certificates=str(certificates / "ca.crt")) as client:
            with pytest.raises(InferenceServerException):
                infer(client, zoo, client_timeout=10)


def test_an_open_stream_does_not_hold_up_the_end(client, server, zoo):
    stream = Stream(client)
    stream.send("mlp", [tensor("input", zoo.x)])
    stream.take()
    assert server.stop() == 0
    with pytest.raises(InferenceServerException, match="stopping"):
        stream.take()
    client.stop_stream(cancel_requests=True)
