#!/usr/bin/env python3
"""Checks that src/ keeps to its rooms: who may include whom, and that the pure rooms are pure.

A room includes rooms of a lower level only. The folders inside `wire` and `backends` are strangers
to each other, except that every protocol may use what SHARED names. Object files of the pure rooms
refer to no clock, thread, socket, environment or source of chance.
"""

import argparse
import pathlib
import re
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]

LEVELS = {
    "base": 0,
    "types": 1,
    "wire": 2,
    "policy": 2,
    "net": 3,
    "telemetry": 3,
    "store": 4,
    "backends": 4,
    "engine": 5,
    "instance": 6,
    "gateway": 6,
    "control": 6,
    "loadgen": 6,
    "tuning": 7,
    "cli": 8,
}

# Rooms whose folders must not know each other, and the folders that all the others may use.
SHARED = {"wire": {"http", "json"}, "backends": {"common"}}

PURE_ROOMS = ("wire", "policy")

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')

IMPURE = {
    "a clock": (
        r"std::chrono::(_V2::)?\w+_clock::now\(\)|clock|clock_gettime|gettimeofday|time"
        r"|localtime(_r)?|mktime"
    ),
    "a thread": (
        r"std::j?thread::.*|std::condition_variable.*|std::this_thread::.*|pthread_create"
        r"|nanosleep|clock_nanosleep|usleep|sleep"
    ),
    "a socket": (
        r"socket|socketpair|connect|bind|listen|accept4?|send(to|msg)?|recv(from|msg)?"
        r"|getaddrinfo|poll|select|epoll_\w+"
    ),
    "the environment": r"getenv|secure_getenv|setenv|putenv|unsetenv|environ",
    "a source of chance": (
        r"std::random_device::.*|s?rand|rand_r|s?random|[dlm]rand48|getrandom|getentropy"
    ),
}
IMPURE_SYMBOL = {what: re.compile(pattern) for what, pattern in IMPURE.items()}


def inner_folder(path):
    """The folder of `room/folder/…/file`, or None for a file that lies in the room itself."""
    return path.parts[1] if len(path.parts) > 2 else None


def include_fault(source, target):
    """Why `source` must not include `target`, both relative to src/; None when it may."""
    here, there = source.parts[0], target.parts[0]
    if there not in LEVELS:
        return None
    if here not in LEVELS:
        return f"{here} is not a room: give it a level in tools/lint/rooms.py"
    if here != there:
        if LEVELS[there] > LEVELS[here]:
            return f"{here} (level {LEVELS[here]}) includes {there} (level {LEVELS[there]})"
        if LEVELS[there] == LEVELS[here]:
            return f"{here} includes {there}, its neighbour on level {LEVELS[here]}"
        return None
    ours, theirs = inner_folder(source), inner_folder(target)
    if here not in SHARED or ours is None or theirs is None:
        return None
    if ours != theirs and theirs not in SHARED[here]:
        return f"{here}/{ours} includes {here}/{theirs}, a folder beside it"
    return None


def check_includes(src):
    """Every forbidden include under `src` as `path:line: reason`."""
    faults = []
    for path in sorted(src.rglob("*")):
        if path.suffix not in (".h", ".cc"):
            continue
        source = path.relative_to(src)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if match is None or "/" not in match[1]:
                continue
            reason = include_fault(source, pathlib.PurePosixPath(match[1]))
            if reason is not None:
                faults.append(f"{src.name}/{source}:{number}: {reason}")
    return faults


def check_purity(library):
    """Every impure symbol that the object files of a static library refer to."""
    listing = subprocess.run(
        ["nm", "--undefined-only", "--demangle", str(library)],
        check=True, capture_output=True, text=True,
    ).stdout
    faults = []
    member = ""
    for line in listing.splitlines():
        if line.endswith(":"):
            member = line[:-1]
        words = line.strip().split(" ", 1)
        if len(words) != 2 or len(words[0]) != 1:
            continue
        for what, pattern in IMPURE_SYMBOL.items():
            if pattern.fullmatch(words[1]):
                faults.append(f"{library.name}({member}): calls {what}: {words[1]}")
    return faults


def pure_libraries(build):
    """The static libraries of the pure rooms in a build folder."""
    return [
        library
        for room in PURE_ROOMS
        for library in sorted((build / "src" / room).rglob("libsarai_*.a"))
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--src", type=pathlib.Path, default=REPOSITORY / "src")
    parser.add_argument("--build", type=pathlib.Path, default=REPOSITORY / "build/release")
    arguments = parser.parse_args()

    faults = check_includes(arguments.src)
    libraries = pure_libraries(arguments.build)
    for library in libraries:
        faults += check_purity(library)
    for fault in faults:
        print(fault)
    checked = ", ".join(library.name for library in libraries) or "no library, nothing is built"
    print(f"rooms: {len(faults)} faults in {arguments.src.name}/ and {checked}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
