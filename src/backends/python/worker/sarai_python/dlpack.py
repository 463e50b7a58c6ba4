"""DLPack capsules, for what numpy's own reader and writer leave out: bfloat16, which numpy does not
know, and bare capsules."""
import ctypes

import numpy as np

# DLTensor: data pointer, device type and number, count of dimensions, then the element type.
_DEVICE_AT, _TYPE_CODE_AT, _TYPE_BITS_AT = 8, 20, 21
_CPU = (1, 3)  # plain, and pinned for a GPU
_UINT, _BFLOAT = 1, 4

_get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_get_pointer.restype = ctypes.c_void_p
_get_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


def _address(capsule):
    return _get_pointer(capsule, b"dltensor")


def _byte(address):
    return ctypes.c_uint8.from_address(address)


class _Holder:
    """A capsule as numpy.from_dlpack wants it: behind the protocol's two methods."""

    def __init__(self, capsule):
        self._capsule = capsule

    def __dlpack__(self, **_):
        return self._capsule

    def __dlpack_device__(self):
        return (1, 0)


def _capsule_of(source):
    return source.__dlpack__() if hasattr(source, "__dlpack__") else source


def read(source):
    """The array that a capsule, or an object with __dlpack__, holds, and whether its two-byte
    elements are bfloat16 (then the array is of uint16). It shares the memory."""
    if not hasattr(np, "from_dlpack"):
        raise ValueError("from_dlpack needs numpy 1.22 or later, this is " + np.__version__)
    capsule = _capsule_of(source)
    address = _address(capsule)
    device = ctypes.c_int32.from_address(address + _DEVICE_AT).value
    if device not in _CPU:
        raise ValueError(f"from_dlpack: the tensor lies on a device of type {device}; "
                         "move it to the CPU first")
    is_bfloat = (_byte(address + _TYPE_CODE_AT).value == _BFLOAT
                 and _byte(address + _TYPE_BITS_AT).value == 16)
    if is_bfloat:
        _byte(address + _TYPE_CODE_AT).value = _UINT
    return np.from_dlpack(_Holder(capsule)), is_bfloat


def write(array, is_bfloat):
    """A capsule over the array's memory; of uint16 ones as bfloat16 where asked."""
    capsule = array.__dlpack__()
    if is_bfloat:
        _byte(_address(capsule) + _TYPE_CODE_AT).value = _BFLOAT
    return capsule
