"""An ISO of a folder and a boot image with pycdlib, as it can be asked for: with Joliet, UDF and both boot entries."""

import os
import sys

import pycdlib

media, boot_image, output = sys.argv[1:]
iso = pycdlib.PyCdlib()
iso.new(interchange_level=3, joliet=3, udf="2.60", vol_ident="CONFIGMGR")
names = {}


def short(path):
    """A name of the ISO 9660 tree for a path of the folder: unique, upper case, eight characters."""
    folder, name = os.path.split(path)
    if not name:
        return ""
    number = names.setdefault(path, len(names))
    return f"{short(folder) if folder else ''}/{'D' if os.path.isdir(os.path.join(media, path)) else 'F'}{number:05}"


for folder, _, files in os.walk(media):
    inside = os.path.relpath(folder, media)
    if inside != ".":
        iso.add_directory(short(inside), joliet_path="/" + inside, udf_path="/" + inside)
    for name in files:
        path = os.path.normpath(os.path.join(inside, name))
        iso.add_file(os.path.join(folder, name), short(path) + ".;1", joliet_path="/" + path, udf_path="/" + path)
if not os.path.isdir(os.path.join(media, "sources")):
    iso.add_directory("/SOURCES", joliet_path="/sources", udf_path="/sources")
iso.add_file(boot_image, short("sources") + "/BOOT.WIM;1", joliet_path="/sources/boot.wim", udf_path="/sources/boot.wim")
boot = short(os.path.join("boot", "etfsboot.com")) + ".;1"
iso.add_eltorito(boot, boot_load_size=8)
uefi = short(os.path.join("EFI", "Microsoft", "Boot", "efisys_noprompt.bin"))
if uefi:
    iso.add_eltorito(uefi + ".;1", platform_id=0xEF, efi=True)
iso.write(output)
iso.close()
