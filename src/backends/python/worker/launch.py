"""Starts a Python model's process: `python3 launch.py --parent=PID [--environment=PATH]`.

Runs on the standard library of any Python from 3.8: which interpreter the model gets is decided
here. `--environment` is a folder with bin/python, or an archive of one as conda-pack makes it,
which is unpacked once into the system's folder of temporary files."""
import argparse
import ctypes
import hashlib
import os
import signal
import socket
import struct
import sys
import tarfile
import tempfile

BAD_ENVIRONMENT = 72  # the exit code; the reason is in the log
_SIGKILL_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_MAGIC, _RESULT, _FAILED_PRECONDITION, _CALLS_FD = 0x53415032, 32, 3, 3


def leave_ending_to_the_parent(parent):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_SIGKILL_WITH_PARENT, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def fail(message):
    """Says it to Sarai, in a packet of the kind RESULT that answers nothing."""
    text = message.encode()
    body = struct.pack("<BBQ", 0, _FAILED_PRECONDITION, len(text)) + text
    header = struct.pack("<IHHQQQ", _MAGIC, _RESULT, 0, 0, len(body), 0)
    packet = header + body
    packet += bytes(-len(packet) % 64)
    try:
        socket.socket(fileno=_CALLS_FD).send(packet)
    except OSError:
        sys.stderr.write(f"sarai: python: {message}\n")
    os._exit(BAD_ENVIRONMENT)


def unpack(archive):
    """The archive's content, unpacked now or earlier: by rename, so that it is whole."""
    state = os.stat(archive)
    key = f"{os.path.realpath(archive)}:{state.st_size}:{state.st_mtime_ns}:{os.getuid()}"
    target = os.path.join(tempfile.gettempdir(),
                          "sarai-python-" + hashlib.sha256(key.encode()).hexdigest()[:16])
    if os.path.isdir(target) and os.stat(target).st_uid == os.getuid():
        return target
    work = tempfile.mkdtemp(prefix="sarai-python-")
    with tarfile.open(archive) as tar:
        tar.extractall(work)
    try:
        os.rename(work, target)
    except OSError:  # another process was first
        if not os.path.isdir(target):
            raise
    return target


def interpreter_of(environment):
    if not os.path.exists(environment):
        fail(f"EXECUTION_ENV_PATH: '{environment}' does not exist")
    try:
        folder = environment if os.path.isdir(environment) else unpack(environment)
    except (OSError, tarfile.TarError) as error:
        fail(f"EXECUTION_ENV_PATH: cannot unpack '{environment}': {error}")
    for name in ("python", "python3"):
        python = os.path.join(folder, "bin", name)
        if os.access(python, os.X_OK):
            return folder, python
    fail(f"EXECUTION_ENV_PATH: '{environment}' has no bin/python")
    return None


def become(environment):
    """This process goes on in the environment's interpreter."""
    folder, python = interpreter_of(environment)
    variables = dict(os.environ)
    variables["PATH"] = os.path.join(folder, "bin") + os.pathsep + variables.get("PATH", "")
    variables["CONDA_PREFIX"] = folder
    for name in ("PYTHONHOME", "VIRTUAL_ENV"):
        variables.pop(name, None)
    arguments = [word for word in sys.argv[1:] if not word.startswith("--environment")]
    os.execve(python, [python, os.path.abspath(__file__), *arguments], variables)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--environment", default="")
    parser.add_argument("--model", default="")  # for `ps`
    arguments = parser.parse_args()
    leave_ending_to_the_parent(arguments.parent)
    if arguments.environment:
        become(arguments.environment)
    if sys.version_info < (3, 8):
        fail(f"models need Python 3.8 or later, '{sys.executable}' is {sys.version.split()[0]}")
    try:
        import numpy  # noqa: F401
    except ImportError as error:
        fail(f"'{sys.executable}' (Python {sys.version.split()[0]}) has no numpy ({error}): "
             "install it there, or name an interpreter that has it with "
             "--backend-config=python,python=PATH or the model's parameter EXECUTION_ENV_PATH")
    from sarai_python.worker import main as work
    work()


if __name__ == "__main__":
    main()
