"""What models ask of the server: other models' loading, and metrics of their own."""
import base64
import json

from .errors import TritonModelException
from .requests import InferenceRequest


def _ask(question, *words):
    if InferenceRequest.caller is None:
        raise TritonModelException(f"{question}: there is no server here")
    return InferenceRequest.caller.ask(question, *words)


def load_model(model_name, config="", files=None):
    """`files`: contents by path, as the load API of the repository takes them."""
    words = []
    for path, content in (files or {}).items():
        words += [path, base64.b64encode(content).decode()]
    _ask("load_model", model_name, config, *words)


def unload_model(model_name, unload_dependents=False):
    _ask("unload_model", model_name, "1" if unload_dependents else "")


def is_model_ready(model_name, model_version=""):
    return _ask("is_model_ready", model_name, model_version) == "1"


class MetricKind:
    COUNTER, GAUGE, HISTOGRAM = range(3)


class Metric:
    def __init__(self, handle, kind):
        self._handle = handle
        self._kind = kind

    def increment(self, value):
        self._tell("metric_increment", value)

    def set(self, value):
        self._tell("metric_set", value)

    def observe(self, value):
        self._tell("metric_observe", value)

    def value(self):
        return float(_ask("metric_value", *self._handle))

    def _tell(self, question, value):
        allowed = {"metric_increment": (MetricKind.COUNTER, MetricKind.GAUGE),
                   "metric_set": (MetricKind.GAUGE,),
                   "metric_observe": (MetricKind.HISTOGRAM,)}[question]
        if self._kind not in allowed:
            raise TritonModelException(f"{question[7:]} does not go with this kind of metric")
        _ask(question, *self._handle, repr(float(value)))


class MetricFamily:
    COUNTER, GAUGE, HISTOGRAM = MetricKind.COUNTER, MetricKind.GAUGE, MetricKind.HISTOGRAM

    def __init__(self, name, description, kind):
        self._name = name
        self._kind = kind
        _ask("metric_family", name, description, str(kind))

    def Metric(self, labels=None, buckets=None):  # noqa: N802: the name that models call
        if (self._kind == MetricKind.HISTOGRAM) != (buckets is not None):
            raise TritonModelException(f"metric '{self._name}': "
                                       + ("a histogram needs buckets"
                                          if buckets is None else
                                          "only a histogram has buckets"))
        handle = (self._name, json.dumps(labels or {}))
        _ask("metric", *handle, *(repr(float(bound)) for bound in buckets or ()))
        return Metric(handle, self._kind)
