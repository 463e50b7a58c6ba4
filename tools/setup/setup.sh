#!/usr/bin/env bash
# Installs everything Sarai needs to build, test and demonstrate itself: Debian packages first,
# then the parts under $SARAI_DEPS side by side. Near-instant when nothing is missing.
source "$(dirname "$0")/common.sh"

parts=(onnxruntime pytorch python versitygw collector)
total=$((1 + ${#parts[@]}))
part=setup
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
