#!/usr/bin/env bash
# The OpenTelemetry collector of the tests (collector/): its own OTLP receiver, built from its Go
# modules, with an exporter that writes what came to a file.
source "$(dirname "$0")/common.sh"
source_dir=$setup_dir/collector
begin collector "$(cat "$source_dir"/* | sha256sum | cut -c 1-16)" bin/test-collector

go=$(find_go)
say "building, about 3 minutes of one core"
cd "$source_dir"
GOFLAGS=-modcacherw GOPATH=$work/gopath GOCACHE=$work/gocache GOTOOLCHAIN=local CGO_ENABLED=0 \
  nice "$go" build -trimpath -ldflags='-s -w' -o "$work/test-collector" . \
  2> >(grep -v '^go: downloading' >&2 || true)
publish "$work/test-collector"
