#!/usr/bin/env python3
"""Checks what the compiler does not read: white space, line length, and words that must not stay.

Exempt are the captured bytes under tests/golden, the seeds under fuzz/corpus and the models under
tests/data/fil, which are as their libraries wrote them. A test that has to look again and again at
another process may pause between two looks; such a line ends in a comment `poll: …` that says at
what.
"""

import pathlib
import re
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]

COLUMNS = 100
CODE = {".h", ".cc", ".py", ".sh", ".cmake", ".proto"}
TABBED = {".go", ".mod"}  # as Go's own formatter writes them
EXEMPT = ("tests/golden/", "fuzz/corpus/", "tests/data/fil/")

# Spelled in pieces so that this file passes its own check.
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" "DO", "FIX" "ME", "X" "XX"]) + r")\b")
MACHINE = re.compile(
    r"(?<![\w.$}])/(" + "|".join(["ro" "ot", "wo" "rk", "ho" r"me/[a-z]\w*"]) + r")/"
)
REGISTRY = re.compile(
    r"py" r"pi\.org|files\.python" r"hosted|proxy\.go" r"lang|deb\.deb" r"ian"
    r"|registry\.np" r"mjs|repo1\.ma" r"ven"
)
SLEEP = re.compile(r"\bsleep_(for|until)\s*\(|\b(u|nano)?sleep\s*\(|^\s*sleep\s+[\d.$]")
POLL = re.compile(r"(#|//) poll: \w")


def is_test(path):
    return path.startswith("tests/") or path.endswith(("_test.cc", "_test.py", "_test.sh"))


def check_line(path, line):
    """What is wrong with one line, as a list of reasons."""
    suffix = pathlib.PurePosixPath(path).suffix
    reasons = []
    if "\t" in line and suffix not in TABBED:
        reasons.append("tab")
    if line != line.rstrip():
        reasons.append("trailing white space")
    if suffix in CODE and len(line) > COLUMNS:
        reasons.append(f"{len(line)} columns, more than {COLUMNS}")
    if UNFINISHED.search(line):
        reasons.append("unfinished work: do it, or file it")
    if MACHINE.search(line):
        reasons.append("a path of somebody's machine")
    if REGISTRY.search(line):
        reasons.append("a registry's host: name the package only")
    if is_test(path) and SLEEP.search(line) and not POLL.search(line):
        reasons.append("a test sleeps: wait for the event itself")
    return reasons


def check_text(path, text):
    """Every fault of one file's text as `path:line: reason`."""
    faults = [
        f"{path}:{number}: {reason}"
        for number, line in enumerate(text.split("\n"), 1)
        for reason in check_line(path, line)
    ]
    if text and not text.endswith("\n"):
        faults.append(f"{path}: no newline at the end")
    return faults


def files_of(repository):
    """The paths git knows or would add, relative to the repository."""
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z",
         "--cached", "--others", "--exclude-standard"],
        check=True, capture_output=True, text=True, cwd=repository,
    ).stdout
    return sorted(path for path in listing.split("\0") if path)


def check_repository(repository):
    """Every fault in the text files of a repository."""
    faults = []
    for path in files_of(repository):
        file = repository / path
        if path.startswith(EXEMPT) or file.is_symlink() or not file.is_file():
            continue
        try:
            text = file.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            continue  # an image or another binary file
        if "\0" not in text:
            faults += check_text(path, text)
    return faults


def main():
    faults = check_repository(REPOSITORY)
    for fault in faults:
        print(fault)
    print(f"text: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
