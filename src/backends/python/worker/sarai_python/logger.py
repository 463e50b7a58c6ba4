"""pb_utils.Logger, and print: lines of Sarai's log that name the model."""
import os
import sys
import threading
import time

_LEVELS = {0: "INFO ", 1: "WARN ", 2: "ERROR", 3: "DEBUG"}


class LogLevel:
    INFO, WARNING, ERROR, VERBOSE = range(4)


class Log:
    """Writes whole lines to the descriptor that parent and host share, one write for each."""

    name = ""
    verbose = False
    _fd = 2

    @classmethod
    def open(cls, name, verbose):
        """From now on print goes there too."""
        cls.name = name
        cls.verbose = verbose
        sys.stdout = _Lines(0)
        sys.stderr = _Lines(2)

    @classmethod
    def line(cls, level, text):
        if level == LogLevel.VERBOSE and not cls.verbose:
            return
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
        millis = int(now * 1000) % 1000
        for part in str(text).splitlines() or [""]:
            line = f"{stamp}.{millis:03}Z {_LEVELS[level]} python: {cls.name}: {part}\n"
            try:
                os.write(cls._fd, line.encode(errors="replace"))
            except OSError:
                return  # a full or closed log is not the model's problem


class _Lines:
    """A text stream whose lines become lines of the log."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, level):
        self._level = level
        self._rest = ""
        self._lock = threading.RLock()

    def write(self, text):
        with self._lock:
            *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            Log.line(self._level, line)
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        with self._lock:
            rest, self._rest = self._rest, ""
        if rest:
            Log.line(self._level, rest)

    def isatty(self):
        return False

    def writable(self):
        return True

    def readable(self):
        return False

    def seekable(self):
        return False

    def fileno(self):
        return 2

    def close(self):
        self.flush()

    closed = False


class Logger:
    """What models call. Levels are those of LogLevel."""

    LogLevel = LogLevel
    INFO, WARNING, ERROR, VERBOSE = range(4)

    @staticmethod
    def log(message, level=LogLevel.INFO):
        Log.line(level, message)

    @staticmethod
    def log_info(message):
        Log.line(LogLevel.INFO, message)

    @staticmethod
    def log_warn(message):
        Log.line(LogLevel.WARNING, message)

    @staticmethod
    def log_error(message):
        Log.line(LogLevel.ERROR, message)

    @staticmethod
    def log_verbose(message):
        Log.line(LogLevel.VERBOSE, message)
