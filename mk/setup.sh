#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs the Debian packages that are needed and missing. Does nothing, and takes some milliseconds, when
# all are there.
#   setup.sh run   what building and running takes
#   setup.sh       what the tests take, too
set -u

packages='
    make python3 gcc libc6-dev clang-19 lld-19 llvm-19
    libuv1-dev libsodium-dev nettle-dev
    wasi-libc libclang-rt-19-dev-wasm32
'
[ "${1-}" = run ] || packages="$packages"'
    git
    clang-format-19 lldb-19 libclang-rt-19-dev libcmocka-dev wabt binaryen valgrind
    libc++-19-dev-wasm32 libc++abi-19-dev-wasm32
    rustc libstd-rust-dev-wasm32 lld-14
    qemu-system-x86 qemu-system-arm
    grub-pc-bin grub-common xorriso mtools
'
# What runs the JavaScript of the tests may also come from elsewhere. The browser is 64 MB to fetch.
for tool in node:nodejs npm:npm chromium:chromium-headless-shell; do
    [ "${1-}" = run ] || command -v "${tool%%:*}" >/dev/null 2>&1 || packages="$packages ${tool##*:}"
done

missing() {
    for package in $packages; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)
        [ "$state" = installed ] || printf ' %s' "$package"
    done
}

fail() {
    printf 'setup: %s\n' "$1" >&2
    exit 1
}

command -v dpkg-query >/dev/null 2>&1 ||
    fail 'this is not a Debian system (no dpkg); install the list in mk/setup.sh by hand'
list=$(missing)
[ -z "$list" ] && exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 ||
        fail "not root and no sudo; as root, run: apt-get install$list"
    as_root=sudo
fi

install() {
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        -o DPkg::Lock::Timeout=300 $list
}

printf 'setup: installing%s\n' "$list" >&2
printf 'setup: this may take some minutes; build/setup.log tells how far it is\n' >&2
mkdir -p build
if ! install >build/setup.log 2>&1; then
    printf 'setup: once more, after apt-get update\n' >&2
    $as_root apt-get update >>build/setup.log 2>&1
    install >>build/setup.log 2>&1
fi
list=$(missing)
[ -z "$list" ] || {
    tail -n 5 build/setup.log >&2
    fail "could not install$list; build/setup.log says why"
}
