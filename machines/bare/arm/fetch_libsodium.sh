#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Fetches libsodium's archive for armhf out of Debian's package: fetch_libsodium.sh FOLDER leaves
# FOLDER/libsodium.a. Keeps its own package lists in FOLDER, so that this machine's packages and
# architectures stay as they are.
set -eu
[ $# -eq 1 ] || { echo 'usage: fetch_libsodium.sh FOLDER' >&2; exit 2; }
mkdir -p "$1/state/lists/partial" "$1/cache/archives/partial" "$1/unpacked"
folder=$(cd "$1" && pwd)

apt() {
    apt-get -q -o APT::Architecture=armhf -o APT::Architectures=armhf -o "Dir::State=$folder/state" \
        -o Dir::State::status=/dev/null -o "Dir::Cache=$folder/cache" -o APT::Sandbox::User=root "$@"
}

# One list out of several may fail while a mirror is renewed: what counts is whether the package comes.
try() {
    apt update || true
    (cd "$folder" && apt download libsodium-dev:armhf)
}

{ try || { sleep 2; try; }; } >"$folder/log" 2>&1 || {
    tail -n 5 "$folder/log" >&2
    echo "fetch_libsodium.sh: no libsodium-dev for armhf; $folder/log says why" >&2
    exit 1
}
dpkg-deb -x "$folder"/libsodium-dev_*_armhf.deb "$folder/unpacked"
cp "$folder/unpacked/usr/lib/arm-linux-gnueabihf/libsodium.a" "$folder/libsodium.a"
rm -rf "$folder/state" "$folder/cache" "$folder/unpacked"
