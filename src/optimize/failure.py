"""What a user is told in one line, without a traceback."""
import importlib
import sys


class Failure(Exception):
    pass


def need(*modules):
    """Imports them, or says what to install."""
    try:
        return [importlib.import_module(name) for name in modules]
    except ImportError as error:
        package = (error.name or modules[0]).split(".")[0]
        raise Failure(f"{sys.executable} has no package '{package}': install it there, or name "
                      "another interpreter with --python") from error
