"""The rooms of src/ are kept, and the check that says so notices when they are not."""

import subprocess

import pytest
import rooms

BUILD = rooms.REPOSITORY / "build/release"


def tree(folder, files):
    for path, text in files.items():
        file = folder / "src" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder / "src"


def compiled(folder, text):
    """A static library of one object file."""
    (folder / "unit.cc").write_text(text)
    subprocess.run(["g++", "-std=c++23", "-c", "unit.cc"], cwd=folder, check=True)
    subprocess.run(["ar", "rc", "libsarai_wire.a", "unit.o"], cwd=folder, check=True)
    return folder / "libsarai_wire.a"


def test_rooms_include_lower_rooms_only():
    assert rooms.check_includes(rooms.REPOSITORY / "src") == []


@pytest.mark.parametrize("room", rooms.PURE_ROOMS)
def test_pure_rooms_are_pure(room):
    libraries = [path for path in rooms.pure_libraries(BUILD) if f"sarai_{room}" in path.name]
    assert libraries, f"no library of {room} in {BUILD}: build first"
    assert [fault for library in libraries for fault in rooms.check_purity(library)] == []


@pytest.mark.parametrize(
    ("source", "included"),
    [
        ("base/clock.h", "types/tensor.h"),
        ("policy/routing.h", "wire/http/message.h"),
        ("gateway/route.cc", "instance/server.h"),
        ("control/fleet.cc", "gateway/route.h"),
        ("instance/server.cc", "control/fleet.h"),
        ("engine/lane.cc", "cli/serve.h"),
        ("wire/kserve/infer.cc", "wire/mme/invoke.h"),
        ("wire/http/message.h", "wire/kserve/infer.h"),
        ("backends/pytorch/model.cc", "backends/onnxruntime/session.h"),
        ("attic/old.cc", "base/clock.h"),
    ],
)
def test_reports_include_of_forbidden_room(tmp_path, source, included):
    src = tree(tmp_path, {source: f'#pragma once\n#include "{included}"\n'})
    faults = rooms.check_includes(src)
    assert len(faults) == 1
    assert faults[0].startswith(f"src/{source}:2: ")


@pytest.mark.parametrize(
    ("source", "included"),
    [
        ("types/tensor.h", "base/clock.h"),
        ("wire/kserve/infer.cc", "wire/kserve/infer.h"),
        ("wire/kserve/infer.cc", "wire/http/message.h"),
        ("wire/mme/invoke.cc", "wire/json/value.h"),
        ("backends/pytorch/model.cc", "backends/backend.h"),
        ("policy/routing.cc", "policy/rendezvous.h"),
        ("cli/serve.cc", "gateway/route.h"),
    ],
)
def test_accepts_include_of_permitted_room(tmp_path, source, included):
    assert rooms.check_includes(tree(tmp_path, {source: f'#include "{included}"\n'})) == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a clock", "#include <chrono>\nauto f() { return std::chrono::steady_clock::now(); }"),
        ("a clock", "#include <chrono>\nauto f() { return std::chrono::system_clock::now(); }"),
        ("a clock", "#include <ctime>\nauto f() { return time(nullptr); }"),
        ("a thread", "#include <thread>\nvoid f() { std::jthread t([] {}); }"),
        ("a socket", "#include <sys/socket.h>\nint f() { return socket(1, 1, 0); }"),
        ("the environment", "#include <cstdlib>\nauto f() { return std::getenv(\"HOME\"); }"),
        ("a source of chance", "#include <random>\nauto f() { return std::random_device()(); }"),
    ],
)
def test_reports_impure_symbol(tmp_path, what, text):
    faults = rooms.check_purity(compiled(tmp_path, text))
    assert any(f"calls {what}" in fault for fault in faults), faults


def test_accepts_pure_object_file(tmp_path):
    text = '#include <string>\nstd::string f(int n) { return std::to_string(n) + "long"; }'
    assert rooms.check_purity(compiled(tmp_path, text)) == []
