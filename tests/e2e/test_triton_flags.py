"""docs/triton-flags.md tells the truth: each flag does what its row says when it is given."""
import re
import subprocess

import pytest

from testkit import paths

_ROW = re.compile(r"\| `([a-z0-9-]+)` \| (?:`([^`]*)` )?\| (works|no effect|refused) \|")
ROWS = [match.groups() for line in
        (paths.ROOT / "docs/triton-flags.md").read_text().splitlines()
        if (match := _ROW.match(line))]
# What a parsed command line without models ends with.
NOTHING_TO_SERVE = "give --model-repository"


def run(*flags):
    ended = subprocess.run([paths.SARAI, "instance", *flags], capture_output=True, text=True,
                           timeout=30, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def test_the_table_has_all_of_tritons_flags():
    assert len(ROWS) == len({name for name, _, _ in ROWS}) == 90


@pytest.mark.parametrize("name, example, status", ROWS)
def test_a_flag_does_what_the_table_says(name, example, status):
    flag = f"--{name}={example}" if example is not None else f"--{name}"
    if name in ("model-repository", "model-store"):
        # A repository is enough to start: what it is given here is none.
        code, output = run(f"{flag}/there/is/none")
        assert code == 1 and "/tmp/there/is/none" in output
        return
    code, output = run(flag)
    assert code != 0
    if status == "refused":
        assert f"--{name}" in output and NOTHING_TO_SERVE not in output
    elif NOTHING_TO_SERVE not in output:
        # It works, and asks for others.
        assert status == "works" and "expected" not in output and "needs" in output, output


def test_a_flag_that_nobody_knows_is_refused():
    code, output = run("--no-such-flag=1")
    assert code != 0 and "no-such-flag" in output
