# shellcheck shell=bash
# Building for arm64 on amd64. Sourced by `build`. Uses `$work`, `step` and `fail`.
#
# Where the toolchain has no standard library for arm64 (`rustup target add aarch64-unknown-linux-gnu` adds it), one of
# Debian's security archive is unpacked into target/package: its compiler and its library are of one version, as they have
# to be. Nothing is installed, and the machine need not know of arm64.

readonly rust_packages=(rustc-web:amd64 libstd-rust-web-dev:arm64 libstd-rust-web-dev:amd64)

# Sets the environment so that cargo builds for arm64.
cross_arm64() {
  local tool
  for tool in aarch64-linux-gnu-gcc aarch64-linux-gnu-objdump; do
    command -v "$tool" >/dev/null || fail "missing: $tool ('make package-arm64' installs it)"
  done
  export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
  export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc
  # What another compiler has built is of no use to this one.
  export CARGO_TARGET_DIR=$repo/target/arm64
  if [[ ! -d $(rustc --print sysroot)/lib/rustlib/aarch64-unknown-linux-gnu ]]; then
    unpack_rust
    RUSTC=$work/rust/rustc
    export RUSTC
  fi
}

# Unpacks Debian's compiler with its library for arm64 into $work/rust, once.
unpack_rust() {
  local scratch version package
  [[ ! -x $work/rust/rustc ]] || return 0
  scratch=$(mktemp -d "$work/scratch.XXXXXX")
  mkdir -p "$scratch/apt/lists/partial" "$scratch/apt/cache/archives/partial" "$scratch/debs" "$scratch/rust"
  touch "$scratch/apt/status"
  cat >"$scratch/apt.conf" <<APT
Dir::State "$scratch/apt";
Dir::State::status "$scratch/apt/status";
Dir::Cache "$scratch/apt/cache";
APT::Architecture "amd64";
APT::Architectures { "amd64"; "arm64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
APT
  step "fetching Debian's Rust with its library for arm64 (once)"
  (
    cd "$scratch/debs"
    export APT_CONFIG=$scratch/apt.conf
    apt-get update -q -o Dir::Etc::sourcelist="$(debian_sources)" -o Dir::Etc::sourceparts=-
    apt-get download -q "${rust_packages[@]}"
    # The libraries that its compiler is linked with are in packages whose names change with its version.
    package=$(apt-cache depends rustc-web:amd64 | sed -n 's/.*Depends: \(libstd-rust-web-dev\).*/\1/p')
    version=$(apt-cache depends "$package:amd64" | sed -n 's/.*Depends: \(libstd-rust-web-[0-9.]*\).*/\1/p' | head -n 1)
    apt-get download -q "$version:amd64" \
      "$(apt-cache depends "$version:amd64" | sed -n 's/.*Depends: \(libllvm[0-9]*\).*/\1/p'):amd64"
  ) >"$work/rust.log" 2>&1 || fail "cannot fetch it: $(tail -n 3 "$work/rust.log")"
  for package in "$scratch"/debs/*.deb; do dpkg -x "$package" "$scratch/rust"; done
  cat >"$scratch/rust/rustc" <<'RUSTC'
#!/bin/sh
root=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu exec "$root/usr/bin/rustc" "$@"
RUSTC
  chmod +x "$scratch/rust/rustc"
  "$scratch/rust/rustc" --version || fail "Debian's Rust does not run here"
  rm -rf "$work/rust"
  mv -T "$scratch/rust" "$work/rust"
  rm -rf "$scratch"
}

# Prints the file that names Debian's own archives.
debian_sources() {
  local file
  for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
    [[ ! -s $file ]] || { echo "$file" && return; }
  done
  fail "no apt source for Debian"
}
