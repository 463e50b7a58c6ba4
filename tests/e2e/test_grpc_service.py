"""GRPCInferenceService at its edges: every method, what is wrong with a request, ends of calls."""
import threading

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
import tritonclient.utils.shared_memory as shm
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

import gated
from testkit.sarai import Instance
from gated import int32
from waiting import wait_until

Code = grpc.StatusCode
SERVICE = "/inference.GRPCInferenceService/"
MAX_MESSAGE = 1 << 20
X = np.arange(8, dtype=np.int32).reshape(2, 4)


def write_strings(repository):
    (repository / "strings" / "1").mkdir(parents=True)
    (repository / "strings" / "config.pbtxt").write_text(
        'backend: "identity"\n'
        'input { name: "INPUT0" data_type: TYPE_STRING dims: -1 }\n'
        'output { name: "OUTPUT0" data_type: TYPE_STRING dims: -1 }\n')


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One for all tests that leave it as it was."""
    folder = tmp_path_factory.mktemp("grpc")
    repository = folder / "repository"
    gated.write_identity(repository, "batched", max_batch_size=8, dims=(4,))
    gated.write_identity(repository, "endless", delay_ms=gated.FOREVER_MS)
    gated.write_gate(repository)
    write_strings(repository)
    instance = Instance(folder / "instance.log", "--model-repository", repository,
                        "--lanes", gated.LANES, "--grpc-max-message-size", MAX_MESSAGE)
    yield instance
    assert instance.stop() == 0


@pytest.fixture
def client(server):
    with triton.InferenceServerClient(server.grpc) as connected:
        yield connected


@pytest.fixture
def channel(server):
    with grpc.insecure_channel(server.grpc) as connected:
        yield connected


@pytest.fixture
def stub(channel):
    return service_pb2_grpc.GRPCInferenceServiceStub(channel)


# --- every method --------------------------------------------------------------------------------


def test_every_method_of_the_service_is_served(channel):
    refused = {}
    for method in service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"].methods:
        try:
            if method.client_streaming:
                assert list(channel.stream_stream(SERVICE + method.name)(iter([]))) == []
            else:
                channel.unary_unary(SERVICE + method.name)(b"")
        except grpc.RpcError as error:
            refused[method.name] = error.code()
    assert refused == {"ModelMetadata": Code.NOT_FOUND, "ModelConfig": Code.NOT_FOUND,
                       "ModelInfer": Code.NOT_FOUND, "RepositoryModelLoad": Code.INTERNAL,
                       "SystemSharedMemoryRegister": Code.INVALID_ARGUMENT,
                       "CudaSharedMemoryRegister": Code.INVALID_ARGUMENT}


def test_statistics_count_what_was_asked(client):
    before = client.get_inference_statistics("batched").model_stats
    client.infer("batched", [int32(triton, "INPUT0", X)])
    after = client.get_inference_statistics("batched", "1").model_stats[0]
    assert after.inference_count - (before[0].inference_count if before else 0) == 2
    assert after.inference_stats.success.ns > 0
    assert "batched" in {row.name for row in client.get_inference_statistics().model_stats}
    for refused in (("nothing", ""), ("batched", "9")):
        with pytest.raises(InferenceServerException, match=refused[0]) as error:
            client.get_inference_statistics(*refused)
        assert error.value.status() == "StatusCode.INVALID_ARGUMENT"


def test_tensors_in_shared_memory(client):
    regions = {name: shm.create_shared_memory_region(name, f"/sarai_{name}_{id(client)}", 64)
               for name in ("in", "out")}
    try:
        shm.set_shared_memory_region(regions["in"], [X], offset=16)
        for name in regions:
            client.register_system_shared_memory(name, f"/sarai_{name}_{id(client)}", 64)
        assert set(client.get_system_shared_memory_status().regions) == {"in", "out"}
        given = triton.InferInput("INPUT0", [2, 4], "INT32")
        given.set_shared_memory("in", X.nbytes, offset=16)
        wanted = triton.InferRequestedOutput("OUTPUT0")
        wanted.set_shared_memory("out", 32, offset=32)
        client.infer("batched", [given], outputs=[wanted])
        np.testing.assert_array_equal(
            shm.get_contents_as_numpy(regions["out"], np.int32, [2, 4], offset=32), X)
        client.unregister_system_shared_memory("in")
        with pytest.raises(InferenceServerException, match="'in'") as error:
            client.infer("batched", [given])
        assert error.value.status() == "StatusCode.NOT_FOUND"
    finally:
        client.unregister_system_shared_memory()
        for handle in regions.values():
            shm.destroy_shared_memory_region(handle)


def test_names_that_are_reserved_elsewhere_are_ordinary_parameters(stub):
    made = with_parameter("headers", "string_param", "h")
    made.parameters["binary_data_output"].int64_param = 1
    assert stub.ModelInfer(made).raw_output_contents == [X.tobytes()]


def test_cuda_regions_are_told_that_there_is_no_gpu(client):
    assert "cuda_shared_memory" in client.get_server_metadata().extensions
    assert not client.get_cuda_shared_memory_status().regions
    with pytest.raises(InferenceServerException, match="'g', GPUs not supported") as error:
        client.register_cuda_shared_memory("g", b"x" * 64, 0, 64)
    assert error.value.status() == "StatusCode.INVALID_ARGUMENT"
    client.unregister_cuda_shared_memory()


# --- what is wrong -------------------------------------------------------------------------------


def request(raw=None, inputs=1, **changes):
    """One that is right, but for the changes."""
    made = service_pb2.ModelInferRequest(model_name=changes.pop("model", "batched"),
                                         model_version=changes.pop("version", ""))
    for _ in range(inputs):
        made.inputs.add(**{"name": "INPUT0", "datatype": "INT32", "shape": [2, 4], **changes})
    made.raw_input_contents.extend([X.tobytes()] if raw is None else raw)
    return made


def with_parameter(key, kind, value, of=None):
    made = request()
    owner = made if of is None else made.inputs[0] if of == "input" else made.outputs.add(
        name="OUTPUT0")
    setattr(owner.parameters[key], kind, value)
    return made


def contents(kind, values, datatype="INT32", **changes):
    made = request(raw=[], datatype=datatype, **changes)
    getattr(made.inputs[0].contents, kind).extend(values)
    return made


def output(*names):
    made = request()
    for name in names:
        made.outputs.add(name=name)
    return made


BAD_REQUESTS = {
    "no model": (request(model=""), "''", Code.NOT_FOUND),
    "unknown model": (request(model="nothing"), "'nothing'", Code.NOT_FOUND),
    "unknown version": (request(version="9"), "'batched' version 9", Code.NOT_FOUND),
    "version of words": (request(version="new"), "'new'"),
    "no inputs": (request(inputs=0, raw=[]), "missing required input(s) ['INPUT0']"),
    "unknown input": (request(name="MORE"), "'MORE'"),
    "input without name": (request(name=""), "inputs[0]: 'name' is missing"),
    "input twice": (request(inputs=2, raw=[X.tobytes()] * 2), "'INPUT0' already exists"),
    "unknown type": (request(datatype="INT33"), "input 'INPUT0': there is no datatype 'INT33'"),
    "wrong type": (request(datatype="FP32"), "'FP32', but model 'batched' expects 'INT32'"),
    "few bytes": (request(raw=[b"1234"]), "'INPUT0': 4 bytes were sent, but INT32 of shape [2,4]"),
    "many bytes": (request(raw=[b"1" * 36]), "'INPUT0': 36 bytes were sent"),
    "no data": (request(raw=[]), "unable to find data for input tensor 'INPUT0'"),
    "too much raw": (request(raw=[X.tobytes()] * 2), "2 raw_input_contents for 1 inputs"),
    "wrong shape": (request(shape=[2, 3], raw=[b"1" * 24]), "Expected [-1,4], got [2,3]"),
    "wrong rank": (request(shape=[8]), "Expected [-1,4], got [8]"),
    "negative": (request(shape=[-2, -4]), "'INPUT0': shape [-2,-4] has a negative dimension"),
    "overflow": (request(shape=[2**62, 8]), "'INPUT0': shape [4611686018427387904,8] has too many"),
    "no batch": (request(shape=[0, 4], raw=[b""]), "'INPUT0' has 0"),
    "large batch": (request(shape=[9, 4], raw=[b"1" * 144]), "must be <= 8"),
    "two ways": (contents("int_contents", [1]), "must not be specified when using raw"),
    "few numbers": (contents("int_contents", [1, 2]), "'INPUT0': 8 bytes were sent"),
    "other numbers": (contents("fp32_contents", [1.5]),
                      "'INPUT0': unexpected explicit tensor data"),
    "halves as numbers": (contents("fp32_contents", [1.5], "FP16"), "only in raw_input_contents"),
    "unknown output": (output("NOPE"), "unexpected inference output 'NOPE'"),
    "output twice": (output("OUTPUT0", "OUTPUT0"), "output 'OUTPUT0' already exists"),
    "classes of words": (with_parameter("classification", "string_param", "x", of="output"),
                         "'OUTPUT0': invalid value type for 'classification' parameter"),
    "no classes": (with_parameter("classification", "int64_param", 0, of="output"),
                   "'OUTPUT0': invalid value for 'classification'"),
    "priority": (with_parameter("priority", "string_param", "x"), "int64_param or uint64_param"),
    "timeout": (with_parameter("timeout", "string_param", "x"), "'timeout' parameter, expected"),
    "sequence": (with_parameter("sequence_id", "bool_param", True), "int64_param or string_param"),
    "start": (with_parameter("sequence_start", "int64_param", 1), "'sequence_start' parameter"),
    "reserved": (with_parameter("triton_x", "int64_param", 1), "'triton_x'"),
    "unknown region": (with_parameter("shared_memory_region", "string_param", "r", of="input"),
                       "'shared_memory_byte_size' must be specified"),
    "strings that do not add up": (
        request(model="strings", datatype="BYTES", shape=[1], raw=[b"\3\0\0\0hi"]),
        "'INPUT0': BYTES element 0 announces 3 bytes"),
    "few strings": (request(model="strings", datatype="BYTES", shape=[2], raw=[b"\2\0\0\0hi"]),
                    "'INPUT0': 1 elements were sent, but shape [2] needs 2"),
}
BAD_REQUESTS["two ways"][0].raw_input_contents.append(X.tobytes())


@pytest.mark.parametrize("case", BAD_REQUESTS)
def test_each_bad_request_is_told_what_was_expected(stub, case):
    bad, said, *code = BAD_REQUESTS[case]
    with pytest.raises(grpc.RpcError) as error:
        stub.ModelInfer(bad)
    assert said in error.value.details()
    assert error.value.code() == (code[0] if code else Code.INVALID_ARGUMENT)
    # The same in a stream, which lives on.
    answers = list(stub.ModelStreamInfer(iter([bad, request()])))
    assert said in answers[0].error_message
    assert answers[1].error_message == ""
    assert answers[1].infer_response.raw_output_contents == [X.tobytes()]


@pytest.mark.parametrize("algorithm", [grpc.Compression.NoCompression, grpc.Compression.Gzip,
                                       grpc.Compression.Deflate])
def test_messages_are_bounded_also_when_they_unpack(stub, algorithm):
    large = request(model="strings", datatype="BYTES", shape=[1], raw=[bytes(2 * MAX_MESSAGE)])
    with pytest.raises(grpc.RpcError) as error:
        stub.ModelInfer(large, compression=algorithm)
    assert error.value.code() == Code.RESOURCE_EXHAUSTED
    assert "larger than max" in error.value.details() and str(MAX_MESSAGE) in error.value.details()
    assert stub.ModelInfer(request(), compression=algorithm).raw_output_contents == [X.tobytes()]


@pytest.mark.parametrize("payload", [b"\xff" * 50, b"\x2a\x7f", b"\x0b", b"\x08"])
def test_bytes_that_are_no_message_are_refused(channel, stub, payload):
    with pytest.raises(grpc.RpcError) as error:
        channel.unary_unary(SERVICE + "ModelInfer")(payload)
    assert error.value.code() == Code.INVALID_ARGUMENT
    assert "not a valid protobuf message" in error.value.details()
    answers = list(channel.stream_stream(SERVICE + "ModelStreamInfer")(
        iter([payload, request().SerializeToString()])))
    assert len(answers) == 2
    assert stub.ServerLive(service_pb2.ServerLiveRequest()).live


# --- ends of calls -------------------------------------------------------------------------------


def executions(client, model):
    rows = client.get_inference_statistics(model).model_stats
    return rows[0].execution_count if rows else 0


def endless_runs(server):
    return gated.metric(server, "sarai_model_in_flight_requests", "endless")


def test_a_queued_request_whose_call_ends_is_not_run(server, client, stub):
    client.load_model("batched")
    before = executions(client, "batched")
    with gated.Gate(server):
        unary = stub.ModelInfer.future(request())
        late = stub.ModelInfer.future(request(), timeout=0.5)
        told = threading.Event()

        def requests():
            yield request()
            told.wait(60)

        stream = stub.ModelStreamInfer(requests())
        with pytest.raises(grpc.RpcError) as error:
            late.result()
        assert error.value.code() == Code.DEADLINE_EXCEEDED
        wait_until(lambda: gated.pending(server, "batched") == 2, "two wait, the late one has gone")
        unary.cancel()
        stream.cancel()
        wait_until(lambda: gated.pending(server, "batched") == 0, "nothing waits")
        told.set()
    client.infer("batched", [int32(triton, "INPUT0", X)])
    assert executions(client, "batched") == before + 1


@pytest.mark.parametrize("end", ["cancel", "deadline"])
def test_a_stream_that_ends_frees_what_it_runs(server, client, stub, end):
    client.load_model("endless")
    told = threading.Event()

    def requests():
        yield request(model="endless", shape=[1, 1], raw=[b"1234"])
        told.wait(60)

    stream = stub.ModelStreamInfer(requests(), timeout=1 if end == "deadline" else None)
    if end == "cancel":
        wait_until(lambda: endless_runs(server) == 1, "the model runs")
        stream.cancel()
    with pytest.raises(grpc.RpcError) as error:
        next(stream)
    told.set()
    assert error.value.code() == (Code.CANCELLED if end == "cancel" else Code.DEADLINE_EXCEEDED)
    wait_until(lambda: endless_runs(server) == 0, "the model is free again")


def test_many_streams_at_once(server):
    streams, each = 64, 20
    wrong = []

    def converse(number, stub):
        values = [np.full((1, 4), 1000 * number + i, np.int32) for i in range(each)]
        answers = list(stub.ModelStreamInfer(
            request(shape=[1, 4], raw=[value.tobytes()]) for value in values))
        if [a.infer_response.raw_output_contents[0] for a in answers] != [
                value.tobytes() for value in values]:
            wrong.append(number)

    with grpc.insecure_channel(server.grpc) as one, grpc.insecure_channel(server.grpc) as other:
        stubs = [service_pb2_grpc.GRPCInferenceServiceStub(channel) for channel in (one, other)]
        threads = [threading.Thread(target=converse, args=(i, stubs[i % 2]))
                   for i in range(streams)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert not wrong and not any(thread.is_alive() for thread in threads)
