#!/usr/bin/env bash
# The Python of the tests, the demo and the benchmarks: a venv with the pinned requirements.txt.
# A venv cannot be renamed, so it is made where it stays and the link to it is what is published.
source "$(dirname "$0")/common.sh"
begin venv "$(sha256sum <"$setup_dir/requirements.txt" | cut -c 1-16)"

home=$SARAI_DEPS/venvs/$version
/usr/bin/python3 -m venv --clear "$home"
"$home/bin/pip" install --quiet --no-deps --only-binary=:all: \
  --requirement "$setup_dir/requirements.txt"
"$home/bin/pip" check --quiet
ln -s "venvs/$version" "$work/link"
publish "$work/link"
find "$SARAI_DEPS/venvs" -mindepth 1 -maxdepth 1 ! -name "$version" -exec rm -rf {} +
