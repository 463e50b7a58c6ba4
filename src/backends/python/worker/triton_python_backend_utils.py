"""What Python models import: the interface of Triton's module of this name, over Sarai."""
from sarai_python.answers import InferenceResponseSender
from sarai_python.auto_complete import ModelConfig
from sarai_python.calls import ResponseIterator
from sarai_python.data_types import (deserialize_bytes_tensor, numpy_to_triton_type,
                                     serialize_byte_tensor, triton_string_to_numpy,
                                     triton_to_numpy_type)
from sarai_python.errors import TritonError, TritonModelException
from sarai_python.logger import Logger, LogLevel
from sarai_python.requests import (InferenceRequest, InferenceResponse, InferenceTrace, MemoryType,
                                   PreferredMemory)
from sarai_python.server import (Metric, MetricFamily, MetricKind, is_model_ready, load_model,
                                 unload_model)
from sarai_python.tensor import Tensor
from sarai_python.worker import get_model_dir

TRITONSERVER_REQUEST_FLAG_SEQUENCE_START = 1
TRITONSERVER_REQUEST_FLAG_SEQUENCE_END = 2
TRITONSERVER_RESPONSE_COMPLETE_FINAL = 1
TRITONSERVER_REQUEST_RELEASE_ALL = 1
TRITONSERVER_REQUEST_RELEASE_RESCHEDULE = 2
TRITONSERVER_MEMORY_GPU = MemoryType.TRITONSERVER_MEMORY_GPU
TRITONSERVER_MEMORY_CPU = MemoryType.TRITONSERVER_MEMORY_CPU

__all__ = [
    "InferenceRequest", "InferenceResponse", "InferenceResponseSender", "InferenceTrace",
    "LogLevel", "Logger", "MemoryType", "Metric", "MetricFamily", "MetricKind", "ModelConfig",
    "PreferredMemory", "ResponseIterator", "TRITONSERVER_MEMORY_CPU", "TRITONSERVER_MEMORY_GPU",
    "TRITONSERVER_REQUEST_FLAG_SEQUENCE_END", "TRITONSERVER_REQUEST_FLAG_SEQUENCE_START",
    "TRITONSERVER_REQUEST_RELEASE_ALL", "TRITONSERVER_REQUEST_RELEASE_RESCHEDULE",
    "TRITONSERVER_RESPONSE_COMPLETE_FINAL", "Tensor", "TritonError", "TritonModelException",
    "deserialize_bytes_tensor", "get_input_config_by_name", "get_input_tensor_by_name",
    "get_model_dir", "get_output_config_by_name", "get_output_tensor_by_name", "is_model_ready",
    "load_model", "numpy_to_triton_type", "serialize_byte_tensor", "triton_string_to_numpy",
    "triton_to_numpy_type", "unload_model", "using_decoupled_model_transaction_policy"]


def _tensor_named(tensors, name):
    return next((tensor for tensor in tensors if tensor.name() == name), None)


def get_input_tensor_by_name(inference_request, name):
    return _tensor_named(inference_request.inputs(), name)


def get_output_tensor_by_name(inference_response, name):
    return _tensor_named(inference_response.output_tensors(), name)


def _config_named(tensors, name):
    return next((tensor for tensor in tensors if tensor["name"] == name), None)


def get_input_config_by_name(model_config, name):
    return _config_named(model_config.get("input", []), name)


def get_output_config_by_name(model_config, name):
    return _config_named(model_config.get("output", []), name)


def using_decoupled_model_transaction_policy(model_config):
    return model_config.get("model_transaction_policy", {}).get("decoupled", False)
