"""The repository's text is clean, and the check that says so notices when it is not."""

import pytest
import text


def test_repository_is_clean():
    assert text.check_repository(text.REPOSITORY) == []


# Written in pieces where the whole would be a fault of this very file.
@pytest.mark.parametrize(
    ("path", "line", "reason"),
    [
        ("src/base/ids.h", "\tint id;", "tab"),
        ("docs/index.md", "words ", "trailing white space"),
        ("src/base/ids.h", "// " + "x" * 98, "101 columns"),
        ("src/base/ids.h", "// TO" "DO: later", "unfinished work"),
        ("README.md", "cd /ro" "ot/sarai", "machine"),
        ("README.md", "pip install -i https://py" "pi.org/simple", "registry"),
        ("tests/e2e/test_serve.py", "time.sle" "ep(1)", "sleeps"),
        ("src/base/executor_test.cc", "std::this_thread::sle" "ep_for(1s);", "sleeps"),
    ],
)
def test_reports_fault(path, line, reason):
    faults = text.check_text(path, f"first\n{line}\n")
    assert len(faults) == 1
    assert faults[0].startswith(f"{path}:2: ")
    assert reason in faults[0]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("src/base/ids.h", "// " + "é" * 97),
        ("docs/index.md", "a sentence " * 20 + "end"),
        ("tests/e2e/wait.py", "time.sle" "ep(0.02)  # poll: the child's exit"),
        ("src/net/server.cc", "timer.sle" "ep(delay);"),
    ],
)
def test_accepts(path, line):
    assert text.check_text(path, line + "\n") == []


def test_reports_missing_newline_at_the_end():
    assert text.check_text("README.md", "words") == ["README.md: no newline at the end"]
