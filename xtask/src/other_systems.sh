# Debian's rust-web packages have the source of std beside the compiler. They are unpacked into a folder of their own, because
# installed they would take the place of others.
if ! command -v x86_64-w64-mingw32-gcc > /dev/null || ! command -v wine > /dev/null; then
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
# wimlib's build makes more names for a program that has another one on Windows; only its library is used.
printf '#!/bin/sh\nexec make wimlib_imagex_cmds= "$@"\n' > "$FOLDER/make"
chmod +x "$FOLDER/make"
unset CARGO RUSTUP_TOOLCHAIN
other() {
    env LD_LIBRARY_PATH="$FOLDER/root/usr/lib/x86_64-linux-gnu" PATH="$bin:$PATH" RUSTC="$bin/rustc" RUSTDOC="$bin/rustdoc" \
        CARGO_TARGET_DIR="$FOLDER/target" RUSTC_BOOTSTRAP=1 MAKE="$FOLDER/make" \
        CC_x86_64_win7_windows_gnu=x86_64-w64-mingw32-gcc \
        CARGO_TARGET_X86_64_WIN7_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc \
        BINDGEN_EXTRA_CLANG_ARGS_x86_64_win7_windows_gnu="$mingw" "$bin/cargo" "$@"
}
mingw="-isystem $(x86_64-w64-mingw32-gcc -print-file-name=include) -isystem /usr/x86_64-w64-mingw32/include"
cd "$REPOSITORY"

# std for later releases needs bcryptprimitives.dll, which wine 8 does not have.
windows=x86_64-win7-windows-gnu
std=-Zbuild-std=std,panic_abort
export WINEPREFIX=$FOLDER/wine WINEDEBUG=-all

echo "== media-devices"
devices="$std,test --package media-devices"
other clippy $devices --all-targets --target $windows -- --deny warnings
other test $devices --no-run --target $windows
program=$(ls -t "$FOLDER/target/$windows/debug/deps/"media_devices-*.exe | head --lines 1)
# insta asks cargo where the workspace is, and there is none under wine.
(cd media-devices && timeout 600 env INSTA_UPDATE=no INSTA_WORKSPACE_ROOT="Z:${REPOSITORY//\//\\}" \
    wine "$program" --test-threads=1)
# Nothing can be linked for macOS without Apple's SDK.
other clippy $devices --all-targets --target x86_64-apple-darwin -- --deny warnings

echo "== tsmedia.exe"
other clippy $std --package media-core --package media-cli --target $windows -- --deny warnings
other build $std --package media-cli --target $windows --release
echo "$FOLDER/target/$windows/release/tsmedia.exe"
printf '#!/bin/sh\nexec wine "%s" "$@"\n' "$FOLDER/target/$windows/release/tsmedia.exe" > "$FOLDER/tsmedia"
chmod +x "$FOLDER/tsmedia"
# Not with a command for Windows: what is about disks, signals, limits, named pipes, links and mounts of Linux; paths that
# wine puts otherwise, because it knows no letters but ASCII on a command line in the C locale, or that have Windows' `\\` in them.
# What it costs is measured for Linux.
skipped=(sticks:: killed:: resources::
    interruption an_interrupted_check a_limit_on_file_sizes more_files_go a_dry_run_says_what a_full_disk
    not_waited_for a_boot_image_that_changes the_terminal_is_asked without_a_given_time
    inputs_are_never_replaced outputs::places a_link_to_the_output
    determinism::equal what_cannot_be_is_said_before)
TSMEDIA_PROGRAM=$FOLDER/tsmedia INSTA_UPDATE=no TSMEDIA_VENV=$REPOSITORY/target/venv \
    cargo test --package media-cli --test cli -- "${skipped[@]/#/--skip=}"
