"""Element types, by the numbers of Triton's model_config.proto."""
import struct

import numpy as np

BOOL, UINT8, UINT16, UINT32, UINT64, INT8, INT16, INT32, INT64 = range(1, 10)
FP16, FP32, FP64, STRING, BF16 = range(10, 15)

_NUMPY = {BOOL: np.bool_, UINT8: np.uint8, UINT16: np.uint16, UINT32: np.uint32,
          UINT64: np.uint64, INT8: np.int8, INT16: np.int16, INT32: np.int32, INT64: np.int64,
          FP16: np.float16, FP32: np.float32, FP64: np.float64, STRING: np.object_}
_NAMES = {BOOL: "BOOL", UINT8: "UINT8", UINT16: "UINT16", UINT32: "UINT32", UINT64: "UINT64",
          INT8: "INT8", INT16: "INT16", INT32: "INT32", INT64: "INT64", FP16: "FP16",
          FP32: "FP32", FP64: "FP64", STRING: "STRING", BF16: "BF16"}
_BY_DTYPE = {np.dtype(kind): number for number, kind in _NUMPY.items()}
_BY_CONFIG_NAME = {"TYPE_" + name: number for number, name in _NAMES.items()}


def name_of(number):
    return _NAMES.get(number, "INVALID")


def by_config_name(name):
    """13 of "TYPE_STRING"; None where there is no such type."""
    return _BY_CONFIG_NAME.get(name)


def triton_to_numpy_type(data_type):
    return _NUMPY.get(data_type)


def numpy_to_triton_type(data_type):
    try:
        dtype = np.dtype(data_type)
    except TypeError:
        return None
    return STRING if dtype.kind == "S" else _BY_DTYPE.get(dtype)


def triton_string_to_numpy(triton_type_string):
    number = by_config_name(triton_type_string)
    if number is None or number == BF16:  # numpy has none for BF16
        raise KeyError(triton_type_string)
    return bool if number == BOOL else _NUMPY[number]


def element_size(number):
    """Bytes of an element; 0 of strings."""
    return 2 if number == BF16 else 0 if number == STRING else np.dtype(_NUMPY[number]).itemsize


def _element_bytes(element):
    return element if isinstance(element, bytes) else str(element).encode()


def serialize_byte_tensor(input_tensor):
    """An array of objects or byte strings as lengths and contents, end to end, in C order."""
    if input_tensor.dtype.kind not in "OS":
        return None
    if input_tensor.size == 0:
        return ()
    parts = []
    for element in input_tensor.ravel(order="C").tolist():
        content = _element_bytes(element)
        parts.append(struct.pack("<I", len(content)))
        parts.append(content)
    return b"".join(parts)


def deserialize_bytes_tensor(encoded_tensor):
    """The inverse: a one-dimensional array of bytes objects."""
    elements = []
    data = bytes(encoded_tensor)
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        at += 4
        if length > len(data) - at:
            raise ValueError(f"a string of {length} bytes where {len(data) - at} are left")
        elements.append(data[at:at + length])
        at += length
    array = np.empty(len(elements), dtype=np.object_)
    array[:] = elements
    return array
