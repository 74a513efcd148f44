"""Says what regipy reads in the hives named: a line for each hive, each key and each value, their fields between tabs."""

import hashlib
import logging
import sys

from regipy.registry import REGF_HEADER_SIZE, NKRecord, RegistryHive, SECURITY_KEY_v1_1, VKRecord

read_elsewhere = NKRecord.read_value


def read_value(value, stream):
    """Data of up to 4 bytes lies in the value itself. regipy takes the rest of the hive first, for each such value, and
    keeps to that for some types."""
    if value.data_size < 1 << 31:
        return read_elsewhere(value, stream)
    inside = value.data_offset.to_bytes(4, "little")[: value.data_size - (1 << 31)]
    return VKRecord(value.data_type, str(value.data_type), inside, value.data_size)


NKRecord.read_value = staticmethod(read_value)


def shown(name):
    if name.isprintable():
        return name
    return "".join(letter if letter.isprintable() else f"<{ord(letter):x}>" for letter in name)


def data(value):
    if isinstance(value, bytes):
        return "sha1 " + hashlib.sha1(value).hexdigest()
    if isinstance(value, str) and len(value) > 60 or isinstance(value, list):
        return "sha1 " + hashlib.sha1(repr(value).encode("utf-8", "surrogatepass")).hexdigest()
    return shown(str(value))


def class_name(hive, key):
    if not key.header.class_name_size or key.header.class_name_offset == 0xFFFFFFFF:
        return ""
    hive._stream.seek(REGF_HEADER_SIZE + 4 + key.header.class_name_offset)
    return hive._stream.read(key.header.class_name_size).hex()


def security(hive, key, known):
    place = key.header.security_key_offset
    if place not in known:
        hive._stream.seek(REGF_HEADER_SIZE + place)
        descriptor = SECURITY_KEY_v1_1.parse_stream(hive._stream).security_descriptor
        known[place] = hashlib.sha1(descriptor).hexdigest()
    return known[place]


def dump(path, lines):
    hive = RegistryHive(path)
    waiting, descriptors = [("", hive.root)], {}
    while waiting:
        place, key = waiting.pop()
        fields = str(key.header.last_modified), class_name(hive, key), security(hive, key, descriptors)
        lines.append("\t".join(("key", place, *fields)))
        for value in key.iter_values(trim_values=False):
            lines.append("\t".join(("value", shown(value.name), str(value.value_type), data(value.value))))
        below = [(f"{place}\\{shown(subkey.name)}", subkey) for subkey in key.iter_subkeys()]
        waiting.extend(reversed(below))


logging.disable(logging.CRITICAL)
sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
for name in sys.argv[1:]:
    lines = [f"hive\t{name}"]
    try:
        dump(name, lines)
    except Exception as error:  # whatever it is, it is what this reader says of the hive
        lines.append(f"error\t{type(error).__name__}: {error}".replace("\n", " "))
    sys.stdout.write("\n".join(lines) + "\n")
