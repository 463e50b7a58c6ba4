#!/usr/bin/env bash
# ONNX Runtime: the library from its PyPI wheel, the C and C++ headers from Debian trixie.
source "$(dirname "$0")/common.sh"
begin onnxruntime "$ONNXRUNTIME_VERSION headers $ONNXRUNTIME_HEADERS_VERSION"

# Debian 12 has no ONNX Runtime. The machine's own Debian sources, read as trixie in a scratch
# folder, give the package from the same mirror and under the same keyring; nothing is installed.
fetch_headers() {
  local apt=$work/apt from package
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/sources"
  for from in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
    if [[ -f $from ]]; then
      sed 's/bookworm/trixie/g' "$from" >"$apt/sources/$(basename "$from")"
    fi
  done
  local options=(-qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$apt/sources"
    -o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root)
  if [[ -f $apt/sources/sources.list ]]; then
    mv "$apt/sources/sources.list" "$apt/main.list"
    options+=(-o Dir::Etc::SourceList="$apt/main.list")
  fi
  apt-get "${options[@]}" update
  (cd "$apt" && apt-get "${options[@]}" download \
    "libonnxruntime-dev=$ONNXRUNTIME_HEADERS_VERSION*")
  package=$(echo "$apt"/libonnxruntime-dev_*.deb)
  dpkg-deb -x "$package" "$apt/root"
  cp -r "$(dirname "$(find "$apt/root" -name onnxruntime_c_api.h)")" "$work/out/include"
}

fetch_library() {
  local wheel
  wheel=$(fetch_wheel onnxruntime "$ONNXRUNTIME_VERSION")
  unzip -q -j "$wheel" 'onnxruntime/capi/lib*.so*' -d "$work/out/lib"
  ln -s "libonnxruntime.so.$ONNXRUNTIME_VERSION" "$work/out/lib/libonnxruntime.so.1"
  ln -s libonnxruntime.so.1 "$work/out/lib/libonnxruntime.so"
}

mkdir "$work/out"
fetch_headers
fetch_library
publish "$work/out"
