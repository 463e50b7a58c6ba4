#!/usr/bin/env bash
# Tree models: the libraries of XGBoost, LightGBM and treelite from their PyPI wheels, each in the
# folders of its wheel, from where two of them find their own libgomp.
source "$(dirname "$0")/../common.sh"
begin fil "$XGBOOST_VERSION $LIGHTGBM_VERSION $TREELITE_VERSION"

unpack() {  # unpack NAME VERSION PATTERN…
  local wheel
  wheel=$(fetch_wheel "$1" "$2")
  unzip -q "$wheel" "${@:3}" -d "$work/out"
}

unpack xgboost-cpu "$XGBOOST_VERSION" 'xgboost/lib/libxgboost.so' 'xgboost_cpu.libs/*'
unpack lightgbm "$LIGHTGBM_VERSION" 'lightgbm/lib/lib_lightgbm.so'
unpack treelite "$TREELITE_VERSION" 'treelite/lib/libtreelite.so' 'treelite.libs/*'
publish "$work/out"
