"""Processes of Python models, ended with their test."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from sarai_side import Side  # noqa: E402


@pytest.fixture
def start(tmp_path):
    started = []

    def make(source, **options):
        started.append(Side(tmp_path / str(len(started)), source, **options))
        return started[-1]

    yield make
    for side in started:
        side.close()
