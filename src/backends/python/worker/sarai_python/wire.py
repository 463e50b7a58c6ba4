"""Packets between Sarai and this process."""
import ctypes
import mmap
import os
import socket
import struct

import numpy as np

from . import data_types
from .errors import Code, WorkerError
from .tensor import Tensor

MAGIC = 0x53415032
HEADER = struct.Struct("<IHHQQQ")  # magic, kind, whether the body lies in memory, id, sizes
INLINE_MAX = 16 * 1024
ALIGNMENT = 64

_U8, _U64, _I64 = struct.Struct("<B"), struct.Struct("<Q"), struct.Struct("<q")
_DOUBLE = struct.Struct("<d")


class Kind:
    HELLO, LOAD, INITIALIZE, RUN, FINALIZE = range(1, 6)  # to the model's thread
    CANCEL, CALL_RESPONSE, ANSWER = range(16, 19)  # to whom it may concern
    RESULT, RUN_DONE, RESPONSE, CALL, CALL_CANCEL, ASK = range(32, 38)  # from here


def align(size):
    return (size + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


class Writer:
    def __init__(self):
        self._parts = []
        self.data = []  # buffers of tensors, each at the next multiple of ALIGNMENT
        self._data_end = 0

    def u8(self, value):
        self._parts.append(_U8.pack(value))

    def u64(self, value):
        self._parts.append(_U64.pack(value))

    def text(self, text):
        content = text if isinstance(text, bytes) else text.encode()
        self._parts.append(_U64.pack(len(content)))
        self._parts.append(content)

    def status(self, code=None, message=""):
        if code is None:
            return self.u8(1)
        self.u8(0)
        self.u8(code)
        return self.text(message)

    def parameters(self, parameters):
        self.u64(len(parameters))
        for name, value in parameters.items():
            self.text(str(name))
            if isinstance(value, bool):
                self.u8(0)
                self.u8(int(value))
            elif isinstance(value, int):
                self.u8(1)
                self._parts.append(_I64.pack(value))
            elif isinstance(value, float):
                self.u8(3)
                self._parts.append(_DOUBLE.pack(value))
            else:
                self.u8(4)
                self.text(str(value))

    def tensors(self, tensors):
        self.u64(len(tensors))
        for tensor in tensors:
            content = memoryview(tensor.to_bytes())
            self.text(tensor.name())
            self.u8(tensor.triton_dtype())
            shape = tensor.shape()
            self._parts.append(struct.pack(f"<Q{len(shape)}q", len(shape), *shape))
            self._parts.append(struct.pack("<QQ", self._data_end, content.nbytes))
            self.data.append((self._data_end, content))
            self._data_end = align(self._data_end + content.nbytes)

    def message(self):
        return b"".join(self._parts)

    @property
    def data_size(self):
        return self._data_end


class Reader:
    """Of one packet's message; tensors are views of its data."""

    def __init__(self, message, data):
        self._message = message
        self._data = data
        self._at = 0

    def _take(self, kind):
        (value,) = kind.unpack_from(self._message, self._at)
        self._at += kind.size
        return value

    def u8(self):
        return self._take(_U8)

    def u64(self):
        return self._take(_U64)

    def text(self):
        size = self.u64()
        content = bytes(self._message[self._at:self._at + size])
        self._at += size
        return content.decode(errors="replace")

    def status(self):
        """None, or the error."""
        if self.u8() == 1:
            return None
        code = self.u8()
        return WorkerError(code, self.text())

    def parameters(self):
        kinds = {0: _U8, 1: _I64, 2: _U64, 3: _DOUBLE}
        parameters = {}
        for _ in range(self.u64()):
            name = self.text()
            kind = self.u8()
            if kind == 4:
                parameters[name] = self.text()
            else:
                value = self._take(kinds[kind])
                parameters[name] = bool(value) if kind == 0 else value
        return parameters

    def tensors(self):
        return [self._tensor() for _ in range(self.u64())]

    def _tensor(self):
        name = self.text()
        data_type = self.u8()
        shape = [self._take(_I64) for _ in range(self.u64())]
        begin, size = self.u64(), self.u64()
        content = self._data[begin:begin + size]
        if data_type == data_types.STRING:
            array = data_types.deserialize_bytes_tensor(content)
        elif data_type == data_types.BF16:
            array = np.frombuffer(content, dtype=np.uint16)
        else:
            array = np.frombuffer(content, dtype=data_types.triton_to_numpy_type(data_type))
        try:
            array = array.reshape(shape)
        except ValueError as error:
            raise WorkerError(Code.INVALID_ARGUMENT, f"input '{name}': {error}") from error
        return Tensor.of_type(name, data_type, array)


class Packet:
    def __init__(self, kind, number, message, data):
        self.kind = kind
        self.number = number
        self.reader = Reader(message, data)


class Link:
    """One socket of packets. Any thread may send; one receives."""

    def __init__(self, fd):
        self._socket = socket.socket(fileno=fd)
        self._buffer = bytearray(HEADER.size + ALIGNMENT + INLINE_MAX)
        self._space = socket.CMSG_SPACE(4)

    def send(self, kind, number, writer=None):
        message = writer.message() if writer is not None else b""
        data_size = writer.data_size if writer is not None else 0
        begin = align(HEADER.size + len(message))
        if begin + data_size <= INLINE_MAX:
            packet = bytearray(begin + data_size)
            HEADER.pack_into(packet, 0, MAGIC, kind, 0, number, len(message), data_size)
            packet[HEADER.size:HEADER.size + len(message)] = message
            self._lay(memoryview(packet)[begin:], writer)
            self._socket.sendall(packet)
            return
        self._send_in_memory(kind, number, message, writer)

    def _send_in_memory(self, kind, number, message, writer):
        begin = align(len(message))
        size = begin + writer.data_size
        fd = _memory_file(size)
        try:
            with mmap.mmap(fd, size) as memory:
                memory[:len(message)] = message
                view = memoryview(memory)
                self._lay(view[begin:], writer)
                view.release()
            header = HEADER.pack(MAGIC, kind, 1, number, len(message), writer.data_size)
            self._socket.sendmsg([header], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                             struct.pack("i", fd))])
        finally:
            os.close(fd)

    @staticmethod
    def _lay(target, writer):
        if writer is None:
            return
        for begin, content in writer.data:
            if content.nbytes:
                target[begin:begin + content.nbytes] = content.cast("B")
        target.release()

    def receive(self):
        """The next packet; None when the other side is gone."""
        size, ancillary, _, _ = self._socket.recvmsg_into([self._buffer], self._space)
        if size == 0:
            return None
        magic, kind, in_memory, number, message_size, data_size = HEADER.unpack_from(self._buffer)
        if magic != MAGIC:
            raise RuntimeError("a packet that is not Sarai's")
        if in_memory:
            body = _map(struct.unpack("i", ancillary[0][2][:4])[0],
                        align(message_size) + data_size)
            begin = align(message_size)
            return Packet(kind, number, body[:message_size], body[begin:begin + data_size])
        begin = align(HEADER.size + message_size)
        message = bytes(self._buffer[HEADER.size:HEADER.size + message_size])
        return Packet(kind, number, message, bytearray(self._buffer[begin:begin + data_size]))


def _memory_file(size):
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("sarai-tensors")
    else:  # an interpreter built for an older system
        libc = ctypes.CDLL(None, use_errno=True)
        fd = libc.memfd_create(b"sarai-tensors", 1)
    os.ftruncate(fd, size)
    return fd


def _map(fd, size):
    """A view that keeps the memory mapped as long as any array looks at it. Writable: nobody else
    looks any more."""
    try:
        return memoryview(mmap.mmap(fd, size, flags=mmap.MAP_SHARED))
    finally:
        os.close(fd)
