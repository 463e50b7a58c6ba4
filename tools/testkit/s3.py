"""A real S3 server (versitygw) on loopback, with a client for it."""
import http.client
import os
import pathlib
import socket
import time

import boto3
import botocore.config

from testkit import paths
from testkit.process import Process

ACCESS_KEY = "testkit"
SECRET_KEY = "testkit-secret"
REGION = "us-east-1"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class S3Server:
    """`start()` may be called again after `kill()`: the same data behind the same port."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        (self.directory / "data").mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.process = None

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def credentials(self):
        return {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
                "AWS_DEFAULT_REGION": REGION}

    def start(self):
        command = [paths.VERSITYGW, "--port", f"127.0.0.1:{self.port}", "--quiet", "--keep-alive",
                   "--health", "/health", "posix", self.directory / "data"]
        self.process = Process(command, self.directory / "s3.log",
                               env={"ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY})
        deadline = time.monotonic() + 30
        while not self._healthy():
            if self.process.popen.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the S3 server did not start\n" + self.process.log_tail())
            time.sleep(0.02)  # poll: the server has no ready line
        return self

    def _healthy(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def client(self):
        return boto3.client("s3", endpoint_url=self.endpoint, aws_access_key_id=ACCESS_KEY,
                            aws_secret_access_key=SECRET_KEY, region_name=REGION,
                            config=botocore.config.Config(s3={"addressing_style": "path"}))

    def kill(self):
        self.process.kill()

    def stop(self):
        if self.process is not None and self.process.popen.poll() is None:
            self.process.stop()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def put_folder(client, bucket, folder, prefix=""):
    """Uploads every file of a folder, with its path below the folder as key."""
    for root, _, files in os.walk(folder):
        for name in files:
            path = pathlib.Path(root) / name
            client.upload_file(str(path), bucket, prefix + str(path.relative_to(folder)))
