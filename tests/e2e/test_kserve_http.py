"""KServe v2 over HTTP at `sarai instance`: Triton's client, and bytes that no client would send."""
import base64
import gzip
import http.client
import json
import socket
import struct
import zlib

import ml_dtypes
import numpy as np
import pytest
import tritonclient.http as triton
import tritonclient.utils.shared_memory as shm
from tritonclient.utils import InferenceServerException, serialize_byte_tensor

from testkit import paths
from testkit.example_models import write_identity, write_repeat
from testkit.process import Process
from testkit.sarai import Instance
from waiting import wait_until

NUMBERS = {"BOOL": np.bool_, "UINT8": np.uint8, "UINT16": np.uint16, "UINT32": np.uint32,
           "UINT64": np.uint64, "INT8": np.int8, "INT16": np.int16, "INT32": np.int32,
           "INT64": np.int64, "FP32": np.float32, "FP64": np.float64, "FP16": np.float16}
LABELS = ("ant", "bee", "cat", "dog")


class _AnyError:
    def __eq__(self, status):
        return 400 <= status < 500


ANY_ERROR = _AnyError()


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    path = tmp_path_factory.mktemp("repository")
    for kind in (*NUMBERS, "BF16", "STRING"):
        write_identity(path, kind.lower(), kind)
    write_identity(path, "batched", "INT32", dims=(4,), extra="max_batch_size: 8\n")
    write_identity(path, "labelled", "FP32", dims=(4,), extra="max_batch_size: 8\n",
                   output_more='label_filename: "labels.txt"')
    (path / "labelled" / "labels.txt").write_text("\n".join(LABELS))
    write_identity(path, "slow", "FP32", extra="""
        parameters { key: "execute_delay_ms" value { string_value: "60000" } }
        dynamic_batching { priority_levels: 2 default_priority_level: 2
          default_queue_policy { allow_timeout_override: true } }
        """)
    write_repeat(path)
    return path


@pytest.fixture(scope="module")
def server(repository, tmp_path_factory):
    instance = Instance(tmp_path_factory.mktemp("log") / "log", "--model-repository", repository)
    yield instance
    instance.stop()


@pytest.fixture
def client(server):
    with triton.InferenceServerClient(server.http) as connected:
        yield connected


def call(server, method, path, body=None, headers=None):
    """One request on a connection of its own: (status, headers, body)."""
    connection = http.client.HTTPConnection(server.http, timeout=60)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def error_of(server, path, body, headers=None, status=400):
    got, _, text = call(server, "POST", path, body, headers)
    assert got == status, (got, text)
    return json.loads(text)["error"]


def tensor(name, array, kind, binary=True):
    made = triton.InferInput(name, list(array.shape), kind)
    made.set_data_from_numpy(array, binary_data=binary)
    return made


def int32(*shape):
    return np.arange(np.prod(shape), dtype=np.int32).reshape(shape)


# --- routes --------------------------------------------------------------------------------------

@pytest.mark.parametrize("method, path, status", [
    ("GET", "/v2", 200), ("GET", "/v2/health/live", 200), ("GET", "/v2/health/ready", 200),
    ("GET", "/v2/models/int32", 200), ("GET", "/v2/models/int32/versions/1", 200),
    ("GET", "/v2/models/int32/ready", 200), ("GET", "/v2/models/int32/versions/1/ready", 200),
    ("GET", "/v2/models/int32/config", 200), ("GET", "/v2/models/int32/versions/1/config", 200),
    ("GET", "/v2/models/int32/stats", 200), ("GET", "/v2/models/int32/versions/1/stats", 200),
    ("GET", "/v2/models/stats", 200), ("POST", "/v2/repository/index", 200),
    ("POST", "/v2/repository/any/index", 200), ("GET", "/v2/systemsharedmemory/status", 200),
    ("GET", "/v2/cudasharedmemory/status", 200), ("GET", "/v2/trace/setting", 200),
    ("GET", "/v2/models/int32/trace/setting", 200), ("GET", "/v2/logging", 200),
    ("GET", "/v2/models/nothing", 404), ("GET", "/v2/models/int32/versions/9", 404),
    ("GET", "/v2/models/int32/versions/9/config", 404), ("GET", "/v2/models/nothing/ready", 400),
    ("GET", "/v2/models/nothing/stats", 400), ("GET", "/v2/nonsense", 404),
    ("GET", "/v2/models/int32/nonsense", 404), ("GET", "/v2/models/int32/infer", 405),
    ("GET", "/v2/models/int32/generate", 405), ("POST", "/v2/health/live", 405),
    ("GET", "/v2/repository/index", 405), ("PUT", "/v2", 405),
    ("POST", "/v2/models/nothing/infer", 400), ("POST", "/v2/models/nothing/generate", 404),
])
def test_every_route_answers(server, method, path, status):
    got, headers, body = call(server, method, path)
    assert got == status, body
    if status >= 400:
        assert headers["Content-Type"] == "application/json" and json.loads(body)["error"]


def test_names_that_only_forwarded_headers_must_not_have_are_ordinary(server):
    request = {"inputs": [one()], "parameters": {"headers": "h"}}
    assert call(server, "POST", "/v2/models/batched/infer", json.dumps(request))[0] == 200


def test_cuda_regions_are_told_that_there_is_no_gpu(client):
    assert "cuda_shared_memory" in client.get_server_metadata()["extensions"]
    assert client.get_cuda_shared_memory_status() == []
    with pytest.raises(InferenceServerException, match="'g', GPUs not supported") as error:
        client.register_cuda_shared_memory("g", base64.b64encode(b"x" * 64), 0, 64)
    assert error.value.status() == "400"
    client.unregister_cuda_shared_memory()


def test_a_model_is_loaded_and_unloaded(client):
    client.load_model("uint8")
    assert client.is_model_ready("uint8", "1")
    index = {row["name"]: row for row in client.get_model_repository_index()}
    assert index["uint8"]["state"] == "READY" and index["uint8"]["version"] == "1"
    client.unload_model("uint8")
    assert not client.is_model_ready("uint8")
    client.load_model("uint8")


# --- tensors -------------------------------------------------------------------------------------

@pytest.mark.parametrize("binary_input", [True, False])
@pytest.mark.parametrize("binary_output", [True, False, None])
@pytest.mark.parametrize("sent", ["gzip", "deflate", None])
@pytest.mark.parametrize("answered", ["gzip", "deflate", None])
def test_bodies_in_every_form(client, binary_input, binary_output, sent, answered):
    x = int32(2, 4)
    outputs = None if binary_output is None else [
        triton.InferRequestedOutput("OUTPUT0", binary_data=binary_output)]
    result = client.infer("batched", [tensor("INPUT0", x, "INT32", binary_input)], outputs=outputs,
                          request_id="r-1", request_compression_algorithm=sent,
                          response_compression_algorithm=answered)
    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), x)
    response = result.get_response()
    assert response["id"] == "r-1" and response["model_version"] == "1"


def test_some_inputs_as_json_and_some_as_binary(server):
    values = np.array([1, 2], np.uint32)
    head = json.dumps({"inputs": [
        {"name": "IN", "shape": [2], "datatype": "INT32", "data": [[4], [5]]},
        {"name": "DELAY", "shape": [2], "datatype": "UINT32",
         "parameters": {"binary_data_size": 8}},
        {"name": "WAIT", "datatype": "UINT32", "data": [0], "shape": [1]}]}).encode()
    status, _, body = call(server, "POST", "/v2/models/repeat/infer", head + values.tobytes(),
                           {"Inference-Header-Content-Length": str(len(head))})
    # The inputs are right: what is refused is a model of many answers.
    assert status == 501 and b"decoupled transaction policy" in body


@pytest.mark.parametrize("kind", [*NUMBERS, "BF16"])
def test_every_number_as_binary(client, kind):
    if kind == "BF16":
        x = np.array([1.5, -2, 0], ml_dtypes.bfloat16)
    elif kind == "BOOL":
        x = np.array([True, False, True])
    else:
        x = np.array([0, 1, 100], NUMBERS[kind])
    result = client.infer(kind.lower(), [tensor("INPUT0", x, kind)])
    np.testing.assert_array_equal(result.as_numpy("OUTPUT0").astype(np.float32),
                                  x.astype(np.float32))


@pytest.mark.parametrize("kind", [kind for kind in NUMBERS if kind != "FP16"])
def test_every_number_as_json(client, kind):
    limits = {"BOOL": [True, False], "FP32": [1.5, 3.4028234e38],
              "FP64": [0.1, -1.7976931348623157e308]}
    info = np.iinfo(NUMBERS[kind]) if kind not in limits else None
    x = np.array(limits.get(kind) or [info.min, info.max], NUMBERS[kind])
    result = client.infer(kind.lower(), [tensor("INPUT0", x, kind, binary=False)],
                          outputs=[triton.InferRequestedOutput("OUTPUT0", binary_data=False)])
    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), x)


@pytest.mark.parametrize("kind", ["FP16", "BF16"])
def test_half_numbers_do_not_travel_as_json(server, kind):
    model = f"/v2/models/{kind.lower()}/infer"
    head = {"name": "INPUT0", "shape": [1], "datatype": kind}
    assert f"input 'INPUT0': {kind} cannot travel as JSON" in error_of(
        server, model, json.dumps({"inputs": [{**head, "data": [1]}]}))
    body = json.dumps({"inputs": [{**head, "parameters": {"binary_data_size": 2}}]})
    assert f"output 'OUTPUT0': {kind} cannot travel as JSON" in error_of(
        server, model, body.encode() + b"\0\0",
        {"Inference-Header-Content-Length": str(len(body))})


def test_strings_are_any_bytes(client, server):
    odd = np.array([b"", b"\0", b"a\0b\0", bytes(range(256)), "ü€".encode(), b"x" * 100_000],
                   dtype=np.object_)
    result = client.infer("string", [tensor("INPUT0", odd, "BYTES")])
    assert list(result.as_numpy("OUTPUT0")) == list(odd)
    status, _, body = call(server, "POST", "/v2/models/string/infer", json.dumps(
        {"inputs": [{"name": "INPUT0", "shape": [3], "datatype": "BYTES",
                     "data": ["a\0b", "ü", ""]}]}))
    assert status == 200 and json.loads(body)["outputs"][0]["data"] == ["a\0b", "ü", ""]
    # What is no text does not become JSON.
    head = json.dumps({"inputs": [{"name": "INPUT0", "shape": [1], "datatype": "BYTES",
                                   "parameters": {"binary_data_size": 6}}]}).encode()
    assert "output 'OUTPUT0': element 0 is not valid UTF-8" in error_of(
        server, "/v2/models/string/infer", head + struct.pack("<I", 2) + b"\xff\xfe",
        {"Inference-Header-Content-Length": str(len(head))})


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("kind", ["FP32", "BYTES"])
def test_shapes_of_no_elements(client, binary, kind):
    x = np.empty((0,), np.float32 if kind == "FP32" else np.object_)
    model = "fp32" if kind == "FP32" else "string"
    result = client.infer(model, [tensor("INPUT0", x, kind, binary)],
                          outputs=[triton.InferRequestedOutput("OUTPUT0", binary_data=binary)])
    assert result.get_response()["outputs"][0]["shape"] == [0]


def test_a_body_may_be_one_raw_tensor(server):
    x = np.arange(5, dtype=np.float32)
    status, headers, body = call(server, "POST", "/v2/models/fp32/infer", x.tobytes(),
                                 {"Inference-Header-Content-Length": "0"})
    assert status == 200
    size = int(headers["Inference-Header-Content-Length"])
    assert json.loads(body[:size])["outputs"][0]["shape"] == [5] and body[size:] == x.tobytes()


@pytest.mark.parametrize("binary", [True, False])
def test_classes_come_with_their_labels(client, binary):
    x = np.array([[0.1, 0.9, 0.5, 0.2], [4, 3, 2, 1]], np.float32)
    result = client.infer("labelled", [tensor("INPUT0", x, "FP32")], outputs=[
        triton.InferRequestedOutput("OUTPUT0", binary_data=binary, class_count=2)])
    classes = [text.decode() if binary else text for text in result.as_numpy("OUTPUT0").ravel()]
    assert [text.split(":")[1:] for text in classes] == [
        ["1", "bee"], ["2", "cat"], ["0", "ant"], ["1", "bee"]]
    assert float(classes[0].split(":")[0]) == pytest.approx(0.9)


def test_tensors_in_shared_memory(client, server):
    x = int32(2, 4)
    regions = {name: shm.create_shared_memory_region(name, f"/sarai_{name}_{id(x)}", 64)
               for name in ("in", "out")}
    try:
        shm.set_shared_memory_region(regions["in"], [x], offset=16)
        for name in regions:
            client.register_system_shared_memory(name, f"/sarai_{name}_{id(x)}", 64)
        assert {row["name"] for row in client.get_system_shared_memory_status()} == {"in", "out"}
        given = triton.InferInput("INPUT0", [2, 4], "INT32")
        given.set_shared_memory("in", x.nbytes, offset=16)
        wanted = triton.InferRequestedOutput("OUTPUT0")
        wanted.set_shared_memory("out", 32, offset=32)
        client.infer("batched", [given], outputs=[wanted])
        np.testing.assert_array_equal(
            shm.get_contents_as_numpy(regions["out"], np.int32, [2, 4], offset=32), x)

        for change, expected in [({"shared_memory_offset": 40}, "'in'"),
                                 ({"shared_memory_byte_size": 2**63}, "'in'"),
                                 ({"shared_memory_region": "none"}, "'none'"),
                                 ({"shared_memory_offset": 2**64 - 8}, "'in'"),
                                 ({"shared_memory_offset": -1}, "shared_memory_offset"),
                                 ({"shared_memory_byte_size": 28}, "INPUT0")]:
            place = {"shared_memory_region": "in", "shared_memory_byte_size": 32, **change}
            assert expected in error_of(server, "/v2/models/batched/infer", json.dumps(
                {"inputs": [{"name": "INPUT0", "shape": [2, 4], "datatype": "INT32",
                             "parameters": place}]}), status=ANY_ERROR)
        small = triton.InferRequestedOutput("OUTPUT0")
        small.set_shared_memory("out", 8)
        with pytest.raises(InferenceServerException, match="OUTPUT0"):
            client.infer("batched", [given], outputs=[small])
        client.unregister_system_shared_memory("in")
        with pytest.raises(InferenceServerException, match="'in'"):
            client.infer("batched", [given])
    finally:
        client.unregister_system_shared_memory()
        for handle in regions.values():
            shm.destroy_shared_memory_region(handle)


# --- what is wrong -------------------------------------------------------------------------------

def one(**changes):
    """A right input of the model "batched", with some members changed; None takes one away."""
    given = {"name": "INPUT0", "shape": [1, 4], "datatype": "INT32", "data": [1, 2, 3, 4],
             **changes}
    return {key: value for key, value in given.items() if value is not None}


X = one()
LONG = 10**400
BAD_REQUESTS = {
    "no inputs": ({}, "'inputs' is missing"),
    "empty inputs": ({"inputs": []}, "missing required input(s) ['INPUT0']"),
    "inputs is no list": ({"inputs": 5}, "'inputs' must be a list"),
    "an input is no object": ({"inputs": [5]}, "inputs[0]: it must be an object"),
    "no name": ({"inputs": [one(name=None)]}, "inputs[0]: 'name' is missing"),
    "no shape": ({"inputs": [one(shape=None)]}, "input 'INPUT0': 'shape' is missing"),
    "no datatype": ({"inputs": [one(datatype=None)]}, "input 'INPUT0': 'datatype' is missing"),
    "no data": ({"inputs": [one(data=None)]}, "input 'INPUT0': it has neither 'data'"),
    "two sources": ({"inputs": [one(parameters={"binary_data_size": 16})]}, "INPUT0"),
    "unknown name": ({"inputs": [X, one(name="MORE")]}, "unexpected inference input 'MORE'"),
    "given twice": ({"inputs": [X, X]}, "input 'INPUT0' already exists in request"),
    "unknown type": ({"inputs": [one(datatype="INT33")]}, "datatype 'INT33' is unknown"),
    "wrong type": ({"inputs": [one(datatype="INT64")]},
                   "input 'INPUT0' data-type is 'INT64', but model 'batched' expects 'INT32'"),
    "too few": ({"inputs": [one(data=[1, 2, 3])]}, "'data' holds 3 elements"),
    "too many": ({"inputs": [one(data=[1, 2, 3, 4, 5])]}, "'data' holds 5 elements"),
    "wrong shape": ({"inputs": [one(shape=[1, 3], data=[1, 2, 3])]},
                    "input 'INPUT0' for model 'batched'. Expected [-1,4], got [1,3]"),
    "wrong rank": ({"inputs": [one(shape=[4])]}, "Expected [-1,4], got [4]"),
    "no batch": ({"inputs": [one(shape=[0, 4], data=[])]}, "'INPUT0' has 0"),
    "large batch": ({"inputs": [one(shape=[9, 4], data=[0] * 36)]}, "must be <= 8"),
    "negative": ({"inputs": [one(shape=[-1, -4])]}, "input 'INPUT0': shape has the negative"),
    "huge": ({"inputs": [one(shape=[2**40, 2**40])]}, "input 'INPUT0'"),
    "overflow": ({"inputs": [one(shape=[2**62 + 1, 4])]}, "input 'INPUT0'"),
    "beyond 64 bits": ({"inputs": [one(shape=[LONG])]}, "input 'INPUT0': 'shape' must be"),
    "fraction": ({"inputs": [one(shape=[1.5, 4])]}, "input 'INPUT0': 'shape' must be"),
    "shape of words": ({"inputs": [one(shape=["1", 4])]}, "input 'INPUT0': 'shape' must be"),
    "many dimensions": ({"inputs": [one(shape=[1] * 100_000)]}, "input 'INPUT0': shape has more"),
    "words": ({"inputs": [one(data=["a", 2, 3, 4])]}, "input 'INPUT0': element 0"),
    "fractions": ({"inputs": [one(data=[1, 2.5, 3, 4])]}, "element 1 is 2.5: not a INT32"),
    "bools": ({"inputs": [one(data=[1, 2, True, 4])]}, "element 2 is true: not a INT32"),
    "null": ({"inputs": [one(data=[1, 2, 3, 4, None])]}, "element 4 is null: not a INT32"),
    "out of range": ({"inputs": [one(data=[1, 2, 3, 2**31])]}, "element 3 is 2147483648"),
    "far out of range": ({"inputs": [one(data=[1, 2, 3, LONG])]}, "input 'INPUT0': element 3"),
    "scalar": ({"inputs": [one(data=5)]}, "input 'INPUT0': 'data' must be a list"),
    "object": ({"inputs": [one(data={"a": 1})]}, "input 'INPUT0': 'data' must be a list"),
    "binary size of words": ({"inputs": [one(data=None, parameters={"binary_data_size": "x"})]},
                             "input 'INPUT0': parameter 'binary_data_size' must be"),
    "binary size below 0": ({"inputs": [one(data=None, parameters={"binary_data_size": -1})]},
                            "input 'INPUT0': parameter 'binary_data_size' must be"),
    "binary size too large": ({"inputs": [one(data=None, parameters={"binary_data_size": 2**62})]},
                              "input 'INPUT0': binary_data_size is 4611686018427387904"),
    "region without size": (
        {"inputs": [one(data=None, parameters={"shared_memory_region": "r"})]}, "INPUT0"),
    "unknown output": ({"inputs": [X], "outputs": [{"name": "NOPE"}]},
                       "unexpected inference output 'NOPE'"),
    "output twice": ({"inputs": [X], "outputs": [{"name": "OUTPUT0"}] * 2},
                     "output 'OUTPUT0' already exists in request"),
    "output without name": ({"inputs": [X], "outputs": [{}]}, "outputs[0]: 'name' is missing"),
    "outputs is no list": ({"inputs": [X], "outputs": 5}, "'outputs' must be a list"),
    "classes below 0": ({"inputs": [X], "outputs": [
        {"name": "OUTPUT0", "parameters": {"classification": -1}}]}, "output 'OUTPUT0'"),
    "timeout": ({"inputs": [X], "parameters": {"timeout": -1}}, "parameter 'timeout' must be"),
    "priority": ({"inputs": [X], "parameters": {"priority": "x"}}, "parameter 'priority' must be"),
    "reserved": ({"inputs": [X], "parameters": {"triton_x": 1}}, "parameter 'triton_x'"),
    "nested parameter": ({"inputs": [X], "parameters": {"foo": {}}}, "parameter 'foo' must be"),
    "parameters is no object": ({"inputs": [X], "parameters": 5}, "'parameters' must be"),
    "id is no string": ({"inputs": [X], "id": 5}, "'id' must be a string"),
    "sequence": ({"inputs": [X], "parameters": {"sequence_start": "x"}},
                 "parameter 'sequence_start' must be"),
}


@pytest.mark.parametrize("case", BAD_REQUESTS)
def test_each_bad_request_is_told_what_was_expected(server, client, case):
    request, expected = BAD_REQUESTS[case]
    assert expected in error_of(server, "/v2/models/batched/infer", json.dumps(request))
    assert client.is_server_live()


def nested(depth):
    return '{"inputs":' + "[" * depth + "]" * depth + "}"


HOSTILE_BODIES = {
    "nothing": b"", "one byte": b"{", "not JSON": b"hello", "a list": b"[]",
    "cut short": b'{"inputs":[{"name":"INPUT0","sha', "two documents": b'{"inputs":[]}{}',
    "not UTF-8": b'{"inputs":[{"name":"\xff\xfe","shape":[1]}]}', "zeros": b"\0" * 1000,
    "deep lists": nested(200_000).encode(), "deep objects": b'{"a":' * 200_000,
    "open string": b'"' + b"a" * 100_000,
    "many inputs": b'{"inputs":[' + b"{}," * 100_000 + b"{}]}",
    "a long number": b'{"inputs":[{"shape":[' + b"9" * 100_000 + b"]}]}",
    "surrogate": b'{"inputs":[{"name":"\\ud800","shape":[1]}]}',
}


@pytest.mark.parametrize("case", HOSTILE_BODIES)
@pytest.mark.parametrize("path", ["/v2/models/batched/infer", "/v2/models/batched/generate",
                                  "/v2/models/batched/generate_stream"])
def test_hostile_bodies_are_refused(server, client, case, path):
    assert error_of(server, path, HOSTILE_BODIES[case])
    assert client.is_server_live()


@pytest.mark.parametrize("length", ["-5", "99999", "99999999999999999999", "abc", "1.5", ""])
def test_wrong_json_lengths_are_refused(server, length):
    body = json.dumps({"inputs": [X]})
    assert "Inference-Header-Content-Length" in error_of(
        server, "/v2/models/batched/infer", body, {"Inference-Header-Content-Length": length})


@pytest.mark.parametrize("tail, expected", [
    (b"", "only 0 bytes are left"), (b"\0" * 15, "only 15 bytes are left"),
    (b"\0" * 17, "holds 1 bytes behind the JSON")])
def test_binary_data_of_the_wrong_size_is_refused(server, tail, expected):
    head = json.dumps({"inputs": [one(data=None, parameters={"binary_data_size": 16})]}).encode()
    assert expected in error_of(server, "/v2/models/batched/infer", head + tail,
                                {"Inference-Header-Content-Length": str(len(head))})


@pytest.mark.parametrize("data", [b"", b"\1", struct.pack("<I", 5) + b"hi",
                                  struct.pack("<I", 2**32 - 1) + b"hi",
                                  struct.pack("<I", 2) + b"hi" + b"\0"])
def test_strings_whose_lengths_do_not_add_up_are_refused(server, data):
    head = json.dumps({"inputs": [{"name": "INPUT0", "shape": [1], "datatype": "BYTES",
                                   "parameters": {"binary_data_size": len(data)}}]}).encode()
    assert "input 'INPUT0'" in error_of(server, "/v2/models/string/infer", head + data,
                                        {"Inference-Header-Content-Length": str(len(head))})


def test_compressed_bodies_are_bounded_and_checked(server, client):
    body = json.dumps({"inputs": [X]}).encode()
    path = "/v2/models/batched/infer"
    for name, packed in [("gzip", gzip.compress(body)), ("deflate", zlib.compress(body))]:
        headers = {"Content-Encoding": name}
        assert call(server, "POST", path, packed, headers)[0] == 200
        assert name in error_of(server, path, packed[:-6], headers)
        assert name in error_of(server, path, b"not " + packed, headers)
    bomb = gzip.compress(b" " * (300 << 20), compresslevel=9)
    error_of(server, path, bomb, {"Content-Encoding": "gzip"}, status=ANY_ERROR)
    assert "gzip" in error_of(server, path, body, {"Content-Encoding": "br"}, status=501)
    assert client.is_server_live()


def test_a_client_that_stops_in_the_middle_of_a_body_harms_nobody(server, client):
    host, port = server.http.split(":")
    head = b"POST /v2/models/batched/infer HTTP/1.1\r\nHost: x\r\n"
    for sent in (head + b"Content-Length: 100\r\n\r\n{",
                 head + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n{",
                 b"POST /v2/models/\0/infer HTTP/1.1\r\n\r\n", b"\r\n" * 50):
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(sent)
    np.testing.assert_array_equal(
        client.infer("batched", [tensor("INPUT0", int32(1, 4), "INT32")]).as_numpy("OUTPUT0"),
        int32(1, 4))


# --- requests' parameters ------------------------------------------------------------------------

def test_what_is_asked_of_a_request_is_kept(client, server):
    x = [tensor("INPUT0", int32(1, 4), "INT32")]
    result = client.infer("batched", x, request_id="", outputs=[], priority=1, timeout=10_000_000,
                          sequence_id=5, sequence_start=True,
                          parameters={"mine": "x", "n": 1, "f": 1.5, "b": True})
    response = result.get_response()
    assert "id" not in response and [row["name"] for row in response["outputs"]] == ["OUTPUT0"]
    for parameters, binary in [({}, False), ({"binary_data_output": True}, True)]:
        _, headers, _ = call(server, "POST", "/v2/models/batched/infer", json.dumps(
            {"inputs": [X], "outputs": [], "parameters": parameters}),
            {"Content-Type": "text/plain; anything"})
        assert ("Inference-Header-Content-Length" in headers) == binary


def test_a_request_that_waits_longer_than_its_timeout_is_refused(server, client):
    body = json.dumps({"inputs": [{"name": "INPUT0", "shape": [1], "datatype": "FP32",
                                   "data": [1]}], "parameters": {"timeout": 100_000}})
    busy = socket.create_connection(server.http.split(":"), timeout=60)
    with busy:
        busy.sendall(b"POST /v2/models/slow/infer HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
                     % len(body) + body.encode())
        wait_until(lambda: "sarai_in_flight_requests 1" in metrics(server), "the first one runs")
        assert "timeout expired" in error_of(server, "/v2/models/slow/infer", body, status=503)
    wait_until(lambda: "sarai_in_flight_requests 0" in metrics(server),
               "the run stops when its client has left")
    reason = 'nv_inference_request_failure{model="slow",version="1",reason="CANCELED"} 1'
    assert reason in metrics(server)


def metrics(server):
    return call(server, "GET", "/metrics")[2].decode()


# --- generate ------------------------------------------------------------------------------------

def events_of(body):
    parts = body.decode().split("\n\n")
    assert parts.pop() == "" and all(part.startswith("data: ") for part in parts)
    return [json.loads(part.removeprefix("data: ")) for part in parts]


def test_generate_answers_with_one_object(server):
    status, headers, body = call(server, "POST", "/v2/models/repeat/generate", json.dumps(
        {"IN": [4], "DELAY": 1, "WAIT": 1, "id": "7", "parameters": {"temperature": 0.5}}))
    assert status == 200 and headers["Content-Type"] == "application/json"
    assert body == b'{"IDX":0,"OUT":4,"id":"7","model_name":"repeat","model_version":"1"}'
    assert "exactly 1 response" in error_of(server, "/v2/models/repeat/generate", json.dumps(
        {"IN": [4, 5], "DELAY": [1, 1], "WAIT": 1}), status=500)


def test_generate_stream_sends_an_event_for_each_response(server):
    status, headers, body = call(server, "POST", "/v2/models/repeat/generate_stream", json.dumps(
        {"IN": [4, 5, 6], "DELAY": [1, 1, 1], "WAIT": 1}))
    assert status == 200 and headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert [(event["OUT"], event["IDX"]) for event in events_of(body)] == [(4, 0), (5, 1), (6, 2)]
    status, _, body = call(server, "POST", "/v2/models/string/generate_stream",
                           '{"INPUT0": ["a", "b"]}')
    assert status == 200 and events_of(body)[0]["OUTPUT0"] == ["a", "b"]


def test_an_error_of_the_model_is_an_event(server):
    status, headers, body = call(server, "POST", "/v2/models/repeat/generate_stream", json.dumps(
        {"IN": [4, 5], "DELAY": [1], "WAIT": 1}))
    assert status == 400 and headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert "error" in events_of(body)[0]


def test_events_arrive_as_they_are_made_and_leaving_stops_the_model(server):
    connection = http.client.HTTPConnection(server.http, timeout=60)
    connection.request("POST", "/v2/models/repeat/generate_stream", json.dumps(
        {"IN": [1] * 60_000, "DELAY": [10] * 60_000, "WAIT": 0}))  # ten minutes of answers
    response = connection.getresponse()
    assert json.loads(response.readline().removeprefix(b"data: "))["OUT"] == 1
    assert "sarai_in_flight_requests 1" in metrics(server)
    response.close()
    connection.close()
    wait_until(lambda: "sarai_in_flight_requests 0" in metrics(server), "the model stops")


# --- who may, and what is passed on --------------------------------------------------------------

def test_restricted_apis_ask_for_their_header(start_instance, repository):
    server = start_instance("--model-repository", repository,
                            "--http-restricted-api=inference,metadata:infer-key=infer-value",
                            "--http-restricted-api=model-repository:admin-key=admin-value")
    with triton.InferenceServerClient(server.http) as client:
        x = [tensor("INPUT0", int32(1, 4), "INT32")]
        mine = {"infer-key": "infer-value"}
        for refused in (lambda: client.infer("batched", x), client.get_server_metadata,
                        lambda: client.infer("batched", x, headers={"infer-key": "x"}),
                        lambda: client.load_model("batched", headers=mine)):
            with pytest.raises(InferenceServerException, match="This API is restricted") as error:
                refused()
            assert error.value.status() == "403"
        assert client.infer("batched", x, headers=mine).as_numpy("OUTPUT0").shape == (1, 4)
        client.load_model("batched", headers={"admin-key": "admin-value"})
        assert client.is_server_ready() and client.get_inference_statistics("batched")
    body = json.dumps({"inputs": [X]})
    assert call(server, "POST", "/models/batched/invoke", body)[0] == 403
    assert call(server, "POST", "/models/batched/invoke", body, mine)[0] == 200


def test_reserved_headers_are_not_forwarded(start_instance, repository):
    server = start_instance("--model-repository", repository,
                            "--http-header-forward-pattern=^(my_.*|triton_.*|timeout)$")
    path, body = "/v2/models/batched/infer", json.dumps({"inputs": [X]})
    assert call(server, "POST", path, body, {"my_tenant": "t", "other": "x"})[0] == 200
    for name in ("triton_x", "timeout"):
        assert f"'{name}'" in error_of(server, path, body, {name: "1"})


def test_bad_rules_and_patterns_stop_the_start(repository, tmp_path):
    for flag in ("--http-restricted-api=nothing:key=value", "--http-header-forward-pattern=("):
        process = Process([paths.SARAI, "instance", "--model-repository", repository, flag],
                          tmp_path / "log")
        assert process.popen.wait(timeout=60) != 0
        assert flag.split("=", 1)[1].split(":")[0] in (tmp_path / "log").read_text()
