"""pb_utils.Tensor."""
import numpy as np

from . import data_types, dlpack
from .errors import TritonModelException


class Tensor:
    """A name and an array in the CPU's memory. Strings are arrays of bytes objects; bfloat16, which
    numpy does not know, is kept as uint16 and can be had through DLPack only."""

    def __init__(self, name, numpy_array):
        if not isinstance(name, str):
            raise TypeError("Tensor: its name must be a str, not " + type(name).__name__)
        array = np.asarray(numpy_array)
        data_type = data_types.numpy_to_triton_type(array.dtype)
        if data_type is None:
            raise TritonModelException(f"Tensor '{name}': no type of a model is numpy's "
                                       f"{array.dtype}")
        self._set(name, data_type, array)

    def _set(self, name, data_type, array):
        self._name = name
        self._type = data_type
        self._array = array if array.flags.c_contiguous else np.ascontiguousarray(array)

    @classmethod
    def of_type(cls, name, data_type, array):
        """Where the type is known already: what comes over the wire, and bfloat16 as uint16."""
        tensor = cls.__new__(cls)
        tensor._set(name, data_type, array)
        return tensor

    @staticmethod
    def from_dlpack(name, tensor):
        try:
            array, is_bfloat = dlpack.read(tensor)
        except (BufferError, RuntimeError, TypeError, ValueError) as error:
            raise TritonModelException(f"Tensor '{name}': {error}") from error
        if is_bfloat:
            return Tensor.of_type(name, data_types.BF16, array)
        return Tensor(name, array)

    def name(self):
        return self._name

    def as_numpy(self):
        if self._type == data_types.BF16:
            raise TritonModelException(f"Tensor '{self._name}' is of type BF16, which numpy has "
                                       "not; use to_dlpack")
        return self._array

    def triton_dtype(self):
        return self._type

    def shape(self):
        return list(self._array.shape)

    def is_cpu(self):
        return True

    def to_dlpack(self):
        return self.__dlpack__()

    def __dlpack__(self, stream=None, **_):
        if self._type == data_types.STRING:
            raise TritonModelException(f"Tensor '{self._name}': DLPack has no strings")
        if not self._array.flags.writeable:  # numpy lends none of these out
            self._array = self._array.copy()
        return dlpack.write(self._array, self._type == data_types.BF16)

    def __dlpack_device__(self):
        return (1, 0)

    def as_type(self, data_type):
        """The same in another element type; None where numbers and strings would have to mix."""
        if data_types.STRING in (data_type, self._type) or data_types.BF16 in (data_type,
                                                                              self._type):
            return None
        array = self._array.astype(data_types.triton_to_numpy_type(data_type))
        return Tensor.of_type(self._name, data_type, array)

    def to_bytes(self):
        """What travels: a buffer of the elements in C order."""
        if self._type == data_types.STRING:
            return data_types.serialize_byte_tensor(self._array) or b""
        return self._array.reshape(-1).view(np.uint8).data if self._array.size else b""
