#!/usr/bin/env bash
# Installs the Debian packages of packages.txt that are missing.
source "$(dirname "$0")/common.sh"
part=apt

mapfile -t wanted < <(grep -v -e '^#' -e '^$' "$setup_dir/packages.txt")
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')
mapfile -t missing < <(printf '%s\n' "${wanted[@]}" | grep -vxF -f <(echo "$installed") || true)
if ((${#missing[@]} == 0)); then exit 0; fi

release=$(. /etc/os-release && echo "${ID:-}-${VERSION_CODENAME:-}")
if [[ $release != debian-bookworm ]]; then
  die "this is $release, not Debian 12 (bookworm): install by hand: ${missing[*]}"
fi

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || die "needs root or sudo to install: ${missing[*]}"
  as_root=(sudo)
fi
apt_get=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)

say "installing ${#missing[@]} packages: ${missing[*]}"
"${apt_get[@]}" update
"${apt_get[@]}" install --yes --no-install-recommends "${missing[@]}" </dev/null >/dev/null
say "done"
