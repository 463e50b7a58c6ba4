#!/usr/bin/env python3
"""Runs the fuzzers: `./dev fuzz` for a time, the tests for a number of inputs.

Each target starts from its seeds in fuzz/corpus/TARGET and from what earlier runs found worth
keeping in build/asan/fuzz/corpus/TARGET. An input that broke something is left in
build/asan/fuzz/findings as TARGET-KIND-HASH; `build/asan/bin/fuzz_TARGET FILE` plays it again.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
BUILD = REPOSITORY / "build/asan"
KEPT = BUILD / "fuzz/corpus"
FINDINGS = BUILD / "fuzz/findings"

MAX_INPUT_BYTES = 4096
MAX_INPUT_SECONDS = 60  # of one input: more is a hang, also on a busy machine
MAX_MEMORY_MIB = 2048

# Seeds that lie elsewhere already, by target.
MORE_SEEDS = {"api": REPOSITORY / "tests/golden/aws"}

# Words of a format that are not in a dictionary of their own: the names and values of a message.
PROTO_WORDS = {
    "modelconfig_json": REPOSITORY / "proto/model_config.proto",
    "modelconfig_text": REPOSITORY / "proto/model_config.proto",
}
PROTO_WORD = re.compile(r"^\s*(?:(?:repeated|map<.*>|[\w.]+)\s+)*(\w+)\s*=\s*\d+;", re.MULTILINE)

DONE = re.compile(r"Done (\d+) runs? in (\d+) second")


def targets():
    """The names of all fuzzers there are sources of, in order."""
    sources = (path for path in (REPOSITORY / "fuzz").glob("*/*.cc"))
    return sorted(path.stem for path in sources)


def seeds(target):
    """The folders a target starts from."""
    folders = [REPOSITORY / "fuzz/corpus" / target, MORE_SEEDS.get(target)]
    return [folder for folder in folders if folder is not None and folder.is_dir()]


def dictionary(target):
    """A file of words that inputs are made of, or None."""
    proto = PROTO_WORDS.get(target)
    if proto is None:
        file = REPOSITORY / f"fuzz/dictionaries/{target}.dict"
        return file if file.is_file() else None
    words = sorted(set(PROTO_WORD.findall(proto.read_text(encoding="utf-8"))))
    file = BUILD / f"fuzz/{target}.dict"
    file.write_text("".join(f'"{word}"\n' for word in words), encoding="utf-8")
    return file


def command(target, *, bound, kept):
    """The command line of one run; `bound` is libFuzzer's -runs=… or -max_total_time=…."""
    line = [
        BUILD / f"bin/fuzz_{target}",
        bound,
        f"-max_len={MAX_INPUT_BYTES}",
        f"-timeout={MAX_INPUT_SECONDS}",
        f"-rss_limit_mb={MAX_MEMORY_MIB}",
        f"-artifact_prefix={FINDINGS}/{target}-",
        "-print_final_stats=1",
    ]
    if (words := dictionary(target)) is not None:
        line.append(f"-dict={words}")
    # libFuzzer writes what it finds interesting to the first folder.
    return [str(part) for part in [*line, kept, *seeds(target)]]


def run(target, *, bound, kept=None, options=()):
    """Runs one target; returns its exit status and all it said. Without `kept` nothing is kept."""
    if kept is None:
        with tempfile.TemporaryDirectory() as folder:
            return run(target, bound=bound, kept=pathlib.Path(folder), options=options)
    FINDINGS.mkdir(parents=True, exist_ok=True)
    kept.mkdir(parents=True, exist_ok=True)
    line = command(target, bound=bound, kept=kept)
    done = subprocess.run(
        [line[0], *options, *line[1:]], check=False, capture_output=True, text=True,
        errors="replace", env=os.environ | {"ASAN_OPTIONS": "allow_addr2line=1"},
    )
    return done.returncode, done.stdout + done.stderr


def fuzz(target, seconds):
    """Runs one target for some seconds and says how it went; False when it found something."""
    started = time.monotonic()
    status, text = run(target, bound=f"-max_total_time={seconds}", kept=KEPT / target)
    done = DONE.search(text)
    took = time.monotonic() - started
    runs = int(done[1]) if done else 0
    print(f"{target:24} {runs:>10} runs {took:7.0f} s  {'ok' if status == 0 else 'FOUND'}",
          flush=True)
    if status != 0:
        print(text[-8000:], flush=True)
    return status == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="default: all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    arguments = parser.parse_args()
    known = targets()
    unknown = [name for name in arguments.targets if name not in known]
    if unknown:
        parser.error(f"no such target: {' '.join(unknown)}; there are {' '.join(known)}")
    results = [fuzz(target, arguments.seconds) for target in arguments.targets or known]
    print(f"{len(results)} targets, {results.count(False)} with findings (in {FINDINGS})")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
