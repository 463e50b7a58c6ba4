"""A child process with a ready line, a log that can be shown, and a certain end."""
import collections
import ctypes
import os
import signal
import subprocess
import threading

_PR_SET_PDEATHSIG = 1

# Between fork and exec a child would run gRPC's handlers, which may abort it while the tests' own
# gRPC clients are at work. Read when grpc is imported, which is later.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")


def _die_with_parent():
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """Runs `command`; lines of standard output are kept, standard error goes to `log_path`."""

    def __init__(self, command, log_path, env=None, cwd=None):
        self.command = [str(part) for part in command]
        self.log_path = log_path
        self._log = open(log_path, "ab")
        full_env = dict(os.environ)
        full_env.update(env or {})
        self.popen = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self._log,
                                      stdin=subprocess.DEVNULL, env=full_env, cwd=cwd,
                                      preexec_fn=_die_with_parent)
        self._lines = collections.deque()
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for raw in self.popen.stdout:
            with self._changed:
                self._lines.append(raw.decode(errors="replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def pid(self):
        return self.popen.pid

    def wait_for_line(self, prefix, timeout=60):
        """The first line of standard output that begins with `prefix`."""
        def find():
            return next((line for line in self._lines if line.startswith(prefix)), None)

        with self._changed:
            self._changed.wait_for(lambda: find() is not None or self._ended, timeout)
            line = find()
        if line is None:
            raise RuntimeError(f"{self.command[0]} did not say {prefix!r}\n{self.log_tail()}")
        return line

    def log_tail(self, size=8000):
        self._log.flush()
        with open(self.log_path, "rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - size))
            return log.read().decode(errors="replace")

    def kill(self):
        """SIGKILL, as a crash would."""
        self.popen.kill()
        self.popen.wait()

    def stop(self, timeout=40):
        """SIGTERM, then the exit code; SIGKILL when it does not end."""
        if self.popen.poll() is None:
            self.popen.terminate()
        try:
            code = self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        finally:
            self._reader.join(5)
            self._log.close()
        return code
