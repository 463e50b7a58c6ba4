"""The safetensors format, as numpy dictionaries."""
import json
import struct

import numpy as np

_NAMES = {"float32": "F32", "float64": "F64", "float16": "F16", "int64": "I64", "int32": "I32",
          "int16": "I16", "int8": "I8", "uint8": "U8", "bool": "BOOL"}
_TYPES = {name: np.dtype(dtype) for dtype, name in _NAMES.items()}


def save(path, tensors):
    header, at = {}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": _NAMES[tensor.dtype.name], "shape": list(tensor.shape),
                        "data_offsets": [at, at + tensor.nbytes]}
        at += tensor.nbytes
    text = json.dumps(header).encode()
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)))
        out.write(text)
        for tensor in tensors.values():
            out.write(np.ascontiguousarray(tensor).tobytes())


def load(path):
    with open(path, "rb") as file:
        data = file.read()
    (size,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + size])
    tensors = {}
    for name, row in header.items():
        begin, end = row["data_offsets"]
        flat = np.frombuffer(data[8 + size + begin:8 + size + end], dtype=_TYPES[row["dtype"]])
        tensors[name] = flat.reshape(row["shape"])
    return tensors
