#!/usr/bin/env bash
# versitygw, the S3 server of the tests and the demo, built from its Go module.
source "$(dirname "$0")/common.sh"
begin versitygw "$VERSITYGW_VERSION" bin/versitygw

go=$(find_go)
say "building, about 3 minutes of one core"
GOBIN=$work/bin GOFLAGS=-modcacherw GOPATH=$work/gopath GOCACHE=$work/gocache \
  GOTOOLCHAIN=local CGO_ENABLED=0 nice "$go" install -trimpath -ldflags='-s -w' \
  "github.com/versity/versitygw/cmd/versitygw@v$VERSITYGW_VERSION" \
  2> >(grep -v '^go: downloading' >&2 || true)
publish "$work/bin/versitygw"
