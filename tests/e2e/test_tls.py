"""TLS on the ports of `sarai instance` and `sarai serve`: Triton's clients, boto3 and requests."""
import ssl

import botocore.exceptions
import numpy as np
import pytest
import requests
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from tritonclient.utils import InferenceServerException

from testkit.certificates import Authority

X = np.arange(8, dtype=np.float32).reshape(2, 4)

IDENTITY = """name: "echo" backend: "identity" max_batch_size: 8
input { name: "INPUT0" data_type: TYPE_FP32 dims: 4 }
output { name: "OUTPUT0" data_type: TYPE_FP32 dims: 4 }
"""


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository" / "echo"
    (folder / "1").mkdir(parents=True)
    (folder / "config.pbtxt").write_text(IDENTITY)
    return tmp_path / "repository"


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def http_flags(authority, *more):
    files = authority.certify("server")
    return ("--http-tls-cert", files.certificate, "--http-tls-key", files.key, *more)


def grpc_flags(authority, *more):
    files = authority.certify("server")
    return ("--grpc-use-ssl", "true", "--grpc-server-cert", files.certificate,
            "--grpc-server-key", files.key, *more)


def infer(client, module):
    tensor = module.InferInput("INPUT0", list(X.shape), "FP32")
    tensor.set_data_from_numpy(X)
    np.testing.assert_array_equal(client.infer("echo", [tensor]).as_numpy("OUTPUT0"), X)


def test_tritons_http_client_speaks_tls(start_instance, repository, authority):
    server = start_instance("--model-repository", repository, *http_flags(authority))

    def client(trusted):
        return triton_http.InferenceServerClient(
            server.http, ssl=True,
            ssl_context_factory=lambda: ssl.create_default_context(cafile=trusted))

    infer(client(authority.file), triton_http)
    with pytest.raises(ssl.SSLCertVerificationError):
        client(authority.certify("other").certificate).is_server_live()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{server.http}/v2", timeout=30)
    metrics = requests.get(f"http://{server.addresses['metrics']}/metrics", timeout=30)
    assert metrics.status_code == 200  # of the machine's own scraper, in the clear


def test_an_http_client_must_show_its_certificate(start_instance, repository, authority):
    server = start_instance("--model-repository", repository,
                            *http_flags(authority, "--http-tls-client-ca", authority.file))
    ours = authority.certify("client")
    with requests.Session() as session:
        for _ in range(2):
            answer = session.get(f"https://{server.http}/v2", verify=authority.file,
                                 cert=(ours.certificate, ours.key), timeout=30)
            assert answer.status_code == 200
    with pytest.raises(requests.ConnectionError):
        requests.get(f"https://{server.http}/v2", verify=authority.file, timeout=30)


def test_tritons_grpc_client_speaks_tls(start_instance, repository, authority):
    server = start_instance("--model-repository", repository, *grpc_flags(authority))
    with triton_grpc.InferenceServerClient(server.grpc, ssl=True,
                                           root_certificates=authority.file) as client:
        infer(client, triton_grpc)
    with triton_grpc.InferenceServerClient(server.grpc) as client:
        with pytest.raises(InferenceServerException):
            client.is_server_live(client_timeout=10)


def test_a_grpc_client_must_show_its_certificate(start_instance, repository, authority):
    server = start_instance("--model-repository", repository, *grpc_flags(
        authority, "--grpc-use-ssl-mutual", "true", "--grpc-root-cert", authority.file))
    ours = authority.certify("client")
    with triton_grpc.InferenceServerClient(
            server.grpc, ssl=True, root_certificates=authority.file, private_key=ours.key,
            certificate_chain=ours.certificate) as client:
        infer(client, triton_grpc)
    with triton_grpc.InferenceServerClient(server.grpc, ssl=True,
                                           root_certificates=authority.file) as client:
        with pytest.raises(InferenceServerException):
            client.is_server_live(client_timeout=10)


def test_boto3_speaks_tls_to_serve(start_serve, authority):
    server = start_serve(*http_flags(authority))
    assert server.url.startswith("https://")
    verify = str(authority.file)
    assert server.client("sagemaker", verify=verify).list_endpoints()["Endpoints"] == []
    runtime = server.client("sagemaker-runtime", verify=verify)
    with pytest.raises(botocore.exceptions.ClientError, match="nowhere"):
        runtime.invoke_endpoint(EndpointName="nowhere", TargetModel="a.tar.gz", Body=b"x")
    with pytest.raises(botocore.exceptions.SSLError):
        server.client("sagemaker", verify=str(authority.certify("other").certificate)
                      ).list_endpoints()
