#!/usr/bin/env bash
# setup.sh [--backend NAME]…: installs everything Sarai needs to build, test and demonstrate itself:
# Debian packages first, then the parts under $SARAI_DEPS side by side, among them the frameworks
# that are named. Near-instant when nothing is missing.
source "$(dirname "$0")/common.sh"

parts=(onnxruntime pytorch python versitygw collector)
part=setup
while (($# > 0)); do
  case $1 in
    --backend=*) name=${1#*=} ;;
    --backend) name=${2:-} && shift ;;
    *) die "'$1' is not --backend NAME" ;;
  esac
  if [[ ! -f $setup_dir/backends/$name.sh ]]; then
    die "no backend '$name' to install; there are:" \
      "$(cd "$setup_dir/backends" && echo *.sh | sed 's/\.sh//g')"
  fi
  parts+=("backends/$name")
  shift
done
total=$((1 + ${#parts[@]}))
mkdir -p "$SARAI_DEPS"

# Two checkouts may share $SARAI_DEPS: one sets up, the other waits and then finds it done.
exec 9>"$SARAI_DEPS/.lock"
if ! flock --nonblock 9; then
  say "another set-up is running, waiting for it"
  flock 9
fi
rm -rf "$SARAI_DEPS"/.work-*  # of a set-up that was killed

SETUP_STEP=1/$total "$setup_dir/apt.sh"

declare -A running
for index in "${!parts[@]}"; do
  SETUP_STEP=$((index + 2))/$total "$setup_dir/${parts[index]}.sh" 9>&- &
  running[$!]=${parts[index]}
done

failed=()
next_report=30
while ((${#running[@]} > 0)); do
  for pid in "${!running[@]}"; do
    if kill -0 "$pid" 2>/dev/null; then continue; fi
    wait "$pid" || failed+=("${running[$pid]}")
    unset "running[$pid]"
  done
  if ((SECONDS >= next_report)); then
    say "after $SECONDS s still at work: ${running[*]}"
    next_report=$((next_report + 30))
  fi
  if ((${#running[@]} > 0)); then sleep 0.05; fi
done
if ((${#failed[@]} > 0)); then die "failed: ${failed[*]}; see the messages above"; fi
