# Debian's rust-web packages have the source of std beside the compiler. They are unpacked into a folder of their own, because
# installed they would take the place of others.
if ! command -v x86_64-w64-mingw32-gcc wine > /dev/null; then
    apt-get update
    apt-get install --yes --no-install-recommends \
        gcc-mingw-w64-x86-64-win32 mingw-w64-x86-64-dev binutils-mingw-w64-x86-64 wine wine64
fi
bin=$FOLDER/root/usr/bin
if ! [ -x "$bin/cargo-clippy" ]; then
    mkdir -p "$FOLDER/packages" "$FOLDER/root"
    cd "$FOLDER/packages"
    apt-get download rustc-web cargo-web rust-web-clippy rust-web-src libstd-rust-web-dev libstd-rust-web-1.96 \
        libllvm22 libgit2-1.5 libhttp-parser2.9 libmbedcrypto7 libmbedtls14 libmbedx509-1 libz3-4
    for package in *.deb; do dpkg --extract "$package" "$FOLDER/root"; done
fi
export CARGO_TARGET_DIR=$FOLDER/target
unset CARGO RUSTUP_TOOLCHAIN
other() {
    env LD_LIBRARY_PATH="$FOLDER/root/usr/lib/x86_64-linux-gnu" PATH="$bin:$PATH" RUSTC="$bin/rustc" RUSTDOC="$bin/rustdoc" \
        RUSTC_BOOTSTRAP=1 CARGO_TARGET_X86_64_WIN7_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc "$bin/cargo" "$@"
}
cd "$REPOSITORY"

# std for later releases needs bcryptprimitives.dll, which wine 8 does not have.
windows=x86_64-win7-windows-gnu
std="-Zbuild-std=std,panic_abort,test --package media-devices"
other clippy $std --all-targets --target $windows -- --deny warnings
other test $std --no-run --target $windows
program=$(ls -t "$CARGO_TARGET_DIR/$windows/debug/deps/"media_devices-*.exe | head --lines 1)
# insta asks cargo where the workspace is, and there is none under wine.
export WINEPREFIX=$FOLDER/wine WINEDEBUG=-all INSTA_UPDATE=no INSTA_WORKSPACE_ROOT="Z:${REPOSITORY//\//\\}"
(cd media-devices && timeout 600 wine "$program" --test-threads=1)

# Nothing can be linked for macOS without Apple's SDK.
other clippy $std --all-targets --target x86_64-apple-darwin -- --deny warnings
