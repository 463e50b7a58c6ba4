"""Where things are: the checkout, the build, the parts that ./dev setup installed."""
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SARAI_BUILD", ROOT / "build" / "release"))
SARAI = BUILD / "bin" / "sarai"
TORCHSCRIPT = BUILD / "bin" / "sarai-torchscript"

_cache = os.environ.get("XDG_CACHE_HOME", os.path.join(os.path.expanduser("~"), ".cache"))
DEPS = pathlib.Path(os.environ.get("SARAI_DEPS", os.path.join(_cache, "sarai", "deps")))
VERSITYGW = DEPS / "bin" / "versitygw"
COLLECTOR = DEPS / "bin" / "test-collector"
