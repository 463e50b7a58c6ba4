"""A real OpenTelemetry collector on loopback that keeps the spans it gets."""
import http.client
import json
import pathlib
import time

from testkit import paths
from testkit.process import Process
from testkit.s3 import free_port

_CONFIG = """
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}}}}}
exporters: {{jsonfile: {{path: "{path}"}}}}
service:
  pipelines: {{traces: {{receivers: [otlp], exporters: [jsonfile]}}}}
  telemetry: {{metrics: {{level: none}}}}
"""


class Collector:
    """Listens from `start()` on; before that its port refuses."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1/traces"

    def start(self):
        config = self.directory / "config.yaml"
        config.write_text(_CONFIG.format(port=self.port, path=self.directory / "spans.json"))
        self.process = Process([paths.COLLECTOR, "--config", config],
                               self.directory / "collector.log")
        deadline = time.monotonic() + 30
        while not self._listens():
            if self.process.popen.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the collector did not start\n{self.process.log_tail()}")
            time.sleep(0.02)  # poll: the collector's port
        return self

    def _listens(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/")
            connection.getresponse().read()
            return True
        except OSError:
            return False

    def spans(self):
        """Every span so far, with its resource's attributes under "resource"."""
        path = self.directory / "spans.json"
        found = []
        for line in path.read_text().splitlines() if path.exists() else []:
            for part in json.loads(line)["resourceSpans"]:
                resource = attributes(part["resource"])
                for scope in part["scopeSpans"]:
                    found += [{**span, "resource": resource} for span in scope["spans"]]
        return found

    def stop(self):
        if self.process is not None:
            self.process.stop()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def attributes(holder):
    """{"key": value} of a span's or a resource's attributes."""
    return {entry["key"]: next(iter(entry["value"].values()))
            for entry in holder.get("attributes", [])}
