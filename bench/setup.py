"""One endpoint over real S3, for a benchmark's lifetime; and a client that costs little itself."""
import contextlib
import http.client
import pathlib
import socket
import statistics
import tempfile
import time

from testkit import models, paths
from testkit.s3 import S3Server
from testkit.sarai import Serve, create_endpoint

ENDPOINT, BUCKET = "bench", "bench"


@contextlib.contextmanager
def endpoint(nets, *flags, framework="onnx"):
    """Yields (serve, instance address, scratch) for {key: network} behind one instance."""
    with tempfile.TemporaryDirectory(prefix="sarai-bench-", dir=paths.BUILD) as scratch:
        scratch = pathlib.Path(scratch)
        with S3Server(scratch / "s3") as s3:
            client = s3.client()
            client.create_bucket(Bucket=BUCKET)
            for key, net in nets.items():
                folder = models.write_model_folder(net, scratch / "model", framework)
                client.upload_file(str(models.pack(folder, scratch / "m.tar.gz")), BUCKET, key)
            serve = Serve(scratch / "state", scratch / "serve.log", "--s3-endpoint", s3.endpoint,
                          *flags, env=s3.credentials)
            try:
                create_endpoint(serve.client("sagemaker"), ENDPOINT, f"s3://{BUCKET}/")
                yield serve, instance_address(serve), scratch
            finally:
                serve.stop()


def instance_address(serve):
    return serve.get("/sarai/v1/explain?model=none")["instances"][0]["address"]


class RawClient:
    """One kept-alive connection; requests are bytes made once."""

    def __init__(self, address):
        host, port = address.replace("http://", "").split(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def request(self, raw):
        """(seconds, status, body)"""
        start = time.perf_counter()
        self.socket.sendall(raw)
        response = http.client.HTTPResponse(self.socket)
        response.begin()
        body = response.read()
        return time.perf_counter() - start, response.status, body


def invoke_bytes(path, target, body, content_type="application/octet-stream"):
    head = (f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: {content_type}\r\n"
            f"X-Amzn-SageMaker-Target-Model: {target}\r\nContent-Length: {len(body)}\r\n\r\n")
    return head.encode() + body


def through_gateway(target, body, content_type="application/octet-stream"):
    return invoke_bytes(f"/endpoints/{ENDPOINT}/invocations", target, body, content_type)


def summary(seconds):
    ordered = sorted(seconds)
    return {"n": len(ordered), "p50_us": statistics.median(ordered) * 1e6,
            "p99_us": ordered[int(len(ordered) * 0.99) - 1] * 1e6, "min_us": ordered[0] * 1e6,
            "max_us": ordered[-1] * 1e6}
