"""Errors that models make and that models get, and the codes by which Sarai knows them."""


class TritonModelException(Exception):
    """What a model raises to fail its run, and what a call that went wrong raises in the model."""


class Code:
    """Sarai's codes, in the order of base/status.h."""
    (INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION, RESOURCE_EXHAUSTED,
     DEADLINE_EXCEEDED, UNAVAILABLE, CANCELLED, UNIMPLEMENTED, PERMISSION_DENIED, DATA_LOSS,
     INTERNAL) = range(12)


class WorkerError(Exception):
    """An answer to Sarai that is an error: one of Code, and a sentence."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
        self.message = message


class TritonError:
    """A model's error in place of a response's tensors."""
    (UNKNOWN, INTERNAL, NOT_FOUND, INVALID_ARG, UNAVAILABLE, UNSUPPORTED, ALREADY_EXISTS,
     CANCELLED) = range(8)

    def __init__(self, message, code=INTERNAL):
        if not isinstance(message, str):
            raise TypeError("TritonError: message must be a str, not " + type(message).__name__)
        if code not in range(8):
            raise TypeError(f"TritonError: {code!r} is none of its codes")
        self._message = message
        self._code = code

    def message(self):
        return self._message

    def code(self):
        return self._code

    def __str__(self):
        return self._message


_TO_SARAI = {TritonError.NOT_FOUND: Code.NOT_FOUND,
             TritonError.INVALID_ARG: Code.INVALID_ARGUMENT,
             TritonError.UNAVAILABLE: Code.UNAVAILABLE,
             TritonError.UNSUPPORTED: Code.UNIMPLEMENTED,
             TritonError.ALREADY_EXISTS: Code.ALREADY_EXISTS,
             TritonError.CANCELLED: Code.CANCELLED}

_TO_TRITON = {Code.INVALID_ARGUMENT: TritonError.INVALID_ARG,
              Code.NOT_FOUND: TritonError.NOT_FOUND,
              Code.ALREADY_EXISTS: TritonError.ALREADY_EXISTS,
              Code.RESOURCE_EXHAUSTED: TritonError.UNAVAILABLE,
              Code.DEADLINE_EXCEEDED: TritonError.UNAVAILABLE,
              Code.UNAVAILABLE: TritonError.UNAVAILABLE,
              Code.CANCELLED: TritonError.CANCELLED,
              Code.UNIMPLEMENTED: TritonError.UNSUPPORTED}


def sarai_code(triton_code):
    return _TO_SARAI.get(triton_code, Code.INTERNAL)


def triton_error(code, message):
    """The error of a call, as the model that made it sees it."""
    return TritonError(message, _TO_TRITON.get(code, TritonError.INTERNAL))
