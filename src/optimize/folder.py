"""Model folders in Triton's layout."""
import pathlib
import re
import shutil

from failure import Failure


def newest_version(folder):
    versions = [path for path in folder.iterdir()
                if path.is_dir() and path.name.isdigit() and int(path.name) > 0]
    if not versions:
        raise Failure(f"'{folder}' has no version folder such as 1/")
    return max(versions, key=lambda path: int(path.name))


def artifact(folder, *names):
    """The newest version's model file: the config's own, or the first of `names` that is there."""
    version = newest_version(folder)
    named = setting(config_text(folder), "default_model_filename")
    for name in ([named] if named else []) + list(names):
        if (version / name).is_file():
            return version / name
    raise Failure(f"'{version}' has none of {', '.join(names)}")


def config_text(folder):
    path = folder / "config.pbtxt"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


TOKEN = re.compile(r"""#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[\w.]+|\S""")


def _strings(config):
    """(path of fields, value, start, end) of each string: ("input", "name"), "x", 10, 19."""
    tokens = [found for found in TOKEN.finditer(config) if not found.group().startswith("#")]
    path, last = [], ""
    for token, after, value in zip(tokens, tokens[1:] + [None], tokens[2:] + [None, None]):
        text = token.group()
        if text in "{[<":
            path.append(last)
            last = ""
        elif text in "}]>":
            path, last = path[:-1], ""
        elif re.match(r"\w", text):
            last = text
            if value and after.group() == ":" and value.group()[0] in "\"'":
                fields = tuple(field for field in path if field) + (text,)
                yield fields, value.group()[1:-1], token.start(), value.end()


def tensor_names(config, kind):
    """Of the config's inputs or outputs, in order."""
    return [value for fields, value, *_ in _strings(config) if fields == (kind, "name")]


def setting(config, field):
    """A top-level string of a config.pbtxt, or None."""
    return next((value for fields, value, *_ in _strings(config) if fields == (field,)),
                None)


def without(config, *fields):
    """The text less those top-level strings."""
    for path, _, start, end in reversed(list(_strings(config))):
        if path in [(field,) for field in fields]:
            rest = config[end:].lstrip(" \t,;")
            config = config[:start] + rest.removeprefix("\n")
    return config


def create(output, source, config):
    """The new folder with its first version; labels and the like come along. -> 1/"""
    if output.exists():
        raise Failure(f"'{output}' exists already")
    version = output / "1"
    version.mkdir(parents=True)
    for path in source.iterdir():
        if path.is_file() and path.name != "config.pbtxt":
            shutil.copy2(path, output / path.name)
    if config.strip():
        (output / "config.pbtxt").write_text(config, encoding="utf-8")
    return version


def size(path):
    """Bytes of a model's file and what lies beside it in its version folder."""
    folder = pathlib.Path(path).parent
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
