# shellcheck shell=bash
# Makes what a boot needs, once: a kernel with Bluetooth, its modules, and Bumble. Sourced by `run`.
#
# Each part is made in a scratch folder and renamed into place when it is whole, so that an interrupted run leaves no
# half-made cache behind. Remove `target/lab` to start afresh. Uses `$repo`, `$cache`, `step` and `fail` of `run`.

# The modules that the guest needs beyond what is built into a Debian kernel: the virtio disk-less root over 9p, then
# Bluetooth. bluetoothd refuses to work without the AF_ALG ones, and without a random number generator (drbg) the kernel
# has no LE Secure Connections. What these depend on is found by modprobe.
readonly kernel_modules=(
  virtio_pci 9pnet_virtio 9p
  sha512_generic ctr drbg ecb aes_generic cmac algif_skcipher algif_hash hci_vhci uhid
  # What another guest needs besides.
  ${more_kernel_modules:-}
)

# Prints the package that holds the current Debian kernel. `linux-image-amd64` itself is empty and depends on it.
kernel_package() {
  apt-cache depends linux-image-amd64 2>/dev/null |
    sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1
}

# Makes $cache/kernel-<hash of the modules' names> with `vmlinuz` and `modules/*.ko`, and prints its name.
prepare_kernel() {
  local scratch package version path number=0 name
  name=kernel-$(sha256sum <<<"${kernel_modules[*]}" | cut -c1-12)
  if [[ -d $cache/$name ]]; then
    echo "$name"
    return
  fi
  package=$(kernel_package)
  [[ -n $package ]] || fail "apt knows no linux-image-amd64: run 'apt-get update' on a Debian (amd64) machine first"
  step "fetching $package (once)" >&2
  scratch=$(mktemp -d "$cache/scratch.XXXXXX")
  mkdir -p "$scratch/kernel/modules"
  (cd "$scratch" && apt-get download "$package" >"$cache/prepare.log" 2>&1) ||
    fail "cannot download $package" "$cache/prepare.log"
  dpkg -x "$scratch"/linux-image-*.deb "$scratch/unpacked"
  # An unpacked kernel of a merged-/usr release has its modules below /usr.
  [[ -d $scratch/unpacked/lib/modules ]] || ln -s usr/lib "$scratch/unpacked/lib"
  version=$(ls "$scratch/unpacked/lib/modules")
  /sbin/depmod -b "$scratch/unpacked" "$version"

  # The order of insertion is settled here, so that the guest needs no modprobe and no /lib/modules.
  while read -r path; do
    number=$((number + 1))
    local target
    target=$scratch/kernel/modules/$(printf '%02d' "$number")-$(basename "${path%.xz}")
    if [[ $path == *.xz ]]; then xz -dc "$path" >"$target"; else cp "$path" "$target"; fi
  done < <(
    for module in "${kernel_modules[@]}"; do
      /sbin/modprobe -d "$scratch/unpacked" -S "$version" --show-depends "$module"
    done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'
  )
  ((number > 0)) || fail "found no modules in $package"
  unpack_kernel "$scratch/unpacked/boot/vmlinuz-$version" "$scratch/kernel/vmlinuz"
  rm -rf "$cache"/kernel-*
  mv -T "$scratch/kernel" "$cache/$name"
  rm -rf "$scratch"
  echo "$name"
}

# unpack_kernel COMPRESSED TARGET: decompresses a kernel, which the guest would take seconds for.
#
# A kernel that is not compressed with xz is left as it is: QEMU boots both.
unpack_kernel() {
  local offset
  offset=$(LC_ALL=C grep --text --byte-offset --only-matching --perl-regexp --max-count=1 '\xfd7zXZ\x00' "$1" |
    head -n 1 | cut -d: -f1) || true
  # What follows the compressed kernel is not read, which `tail` in a pipe would count as an error.
  if [[ -z $offset ]] || ! xz -dc --single-stream < <(tail -c "+$((offset + 1))" "$1") >"$2" 2>/dev/null; then
    cp "$1" "$2"
  fi
}

# Makes $cache/python-<hash of the requirements> and prints its name.
prepare_python() {
  local requirements=$repo/lab/requirements.txt scratch name
  name=python-$(sha256sum "$requirements" | cut -c1-12)
  if [[ ! -d $cache/$name ]]; then
    step "installing Bumble (once)" >&2
    scratch=$(mktemp -d "$cache/scratch.XXXXXX")
    # The same interpreter as in the guest: others often lack AF_BLUETOOTH.
    /usr/bin/python3 -m pip install --quiet --no-deps --target "$scratch/python" --requirement "$requirements" \
      >"$cache/prepare.log" 2>&1 || fail "cannot install $requirements" "$cache/prepare.log"
    rm -rf "$cache"/python-*
    mv -T "$scratch/python" "$cache/$name"
    rm -rf "$scratch"
  fi
  echo "$name"
}

# Makes $cache/test-tools-<version> with BlueZ's emulator of controllers, btvirt, and prints its name.
prepare_test_tools() {
  local scratch version name
  version=$(dpkg-query -W -f='${Version}' bluez)
  name=test-tools-$version
  if [[ ! -d $cache/$name ]]; then
    step "fetching bluez-test-tools (once)" >&2
    scratch=$(mktemp -d "$cache/scratch.XXXXXX")
    (cd "$scratch" && apt-get download "bluez-test-tools=$version" >"$cache/prepare.log" 2>&1) ||
      fail "cannot download bluez-test-tools $version" "$cache/prepare.log"
    dpkg -x "$scratch"/bluez-test-tools_*.deb "$scratch/unpacked"
    rm -rf "$cache"/test-tools-*
    mkdir "$scratch/tools"
    mv "$scratch/unpacked/usr/bin/btvirt" "$scratch/tools/"
    mv -T "$scratch/tools" "$cache/$name"
    rm -rf "$scratch"
  fi
  echo "$name"
}

# prepare_initramfs KERNEL [INIT]: packs $cache/initramfs for that kernel. It takes a tenth of a second and is made anew for each boot.
prepare_initramfs() {
  local root=$cache/initramfs.d
  rm -rf "$root"
  mkdir -p "$root/bin"
  cp "$(command -v busybox)" "$root/bin/busybox"
  cp -r "$cache/$1/modules" "$root/modules"
  install -m 755 "${2:-$repo/lab/guest/init}" "$root/init"
  (cd "$root" && find . | cpio --quiet -o -H newc) >"$cache/initramfs"
  rm -rf "$root"
}
