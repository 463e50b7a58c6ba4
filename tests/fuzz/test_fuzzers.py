"""Every parser withstands its seeds and some thousands of inputs made of them, the same each time.

A finding belongs into fuzz/corpus/TARGET once it is mended, so that it is tried here ever after.
"""

import fuzzers
import pytest

RUNS = 10_000
# Those that touch files or databases, or build large messages, for each input.
SLOW_RUNS = 1_000
SLOW = {"api", "archive", "modelconfig_json", "modelconfig_text"}


@pytest.mark.parametrize("target", fuzzers.targets())
def test_withstands_what_comes(target):
    runs = SLOW_RUNS if target in SLOW else RUNS
    status, text = fuzzers.run(target, bound=f"-runs={runs}", options=["-seed=1"])
    assert status == 0, text[-8000:]
    assert fuzzers.DONE.search(text), text[-8000:]


@pytest.mark.parametrize("target", fuzzers.targets())
def test_starts_from_seeds(target):
    assert any(any(folder.iterdir()) for folder in fuzzers.seeds(target))


def test_no_corpus_is_without_its_target():
    folders = {path.name for path in (fuzzers.REPOSITORY / "fuzz/corpus").iterdir()}
    words = {path.stem for path in (fuzzers.REPOSITORY / "fuzz/dictionaries").iterdir()}
    assert folders | words <= set(fuzzers.targets())
