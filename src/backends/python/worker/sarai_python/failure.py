"""An exception of a model in one line."""
import os
import traceback


def describe(error, file):
    """ "ValueError: no such file (model.py, line 12, in initialize)": the innermost line of the
    model's own file, where the error has one."""
    if isinstance(error, SyntaxError) and error.filename:
        return (f"{type(error).__name__}: {error.msg} ({os.path.basename(error.filename)}, "
                f"line {error.lineno})")
    kind = type(error)
    name = kind.__name__ if kind.__module__ in ("builtins", "sarai_python.errors") else (
        f"{kind.__module__}.{kind.__name__}")
    text = str(error).strip() or "no message"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if os.path.realpath(frame.filename) == os.path.realpath(file)]
    if not own:
        return f"{name}: {text}"
    frame = own[-1]
    place = f"{os.path.basename(frame.filename)}, line {frame.lineno}"
    return f"{name}: {text} ({place}" + (")" if frame.name == "<module>" else
                                          f", in {frame.name})")
