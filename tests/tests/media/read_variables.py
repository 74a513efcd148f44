"""Reads media variables files, independently of the code under test: written from docs/formats.md alone.

Takes a JSON file with a list of {"file", "password"}; a password of null stands for media without one.
Prints, for each, the algorithm, the variables in order, and what the media certificate is.
"""

import hashlib
import json
import struct
import sys
import xml.etree.ElementTree

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509 import ExtendedKeyUsage
from cryptography.x509.oid import ExtendedKeyUsageOID

try:
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
except ImportError:
    TripleDES = algorithms.TripleDES

BUILT_IN = "{BAC6E688-DE21-4ABE-B7FB-C9F54E6DB664}"
CIPHERS = {
    0x660E: ("aes-128", 16, algorithms.AES, 16),
    0x6610: ("aes-256", 32, algorithms.AES, 16),
    0x6603: ("3des", 24, TripleDES, 8),
}


def key(password, length):
    """CryptDeriveKey of a SHA-1 hash, as its documentation describes it."""
    digest = hashlib.sha1(password.encode("utf-16-le")).digest()
    halves = []
    for mask in (0x36, 0x5C):
        block = bytearray([mask] * 64)
        for index, byte in enumerate(digest):
            block[index] ^= byte
        halves.append(hashlib.sha1(block).digest())
    return b"".join(halves)[:length]


def read(data, password):
    magic, struct_len, plain_len, cipher_len, algorithm, flags = struct.unpack_from("<6I", data)
    assert (magic, struct_len, flags) == (0xECED0000, 20, 0), (hex(magic), struct_len, flags)
    name, key_len, cipher, block = CIPHERS[algorithm]
    assert cipher_len == (plain_len // block + 1) * block, (plain_len, cipher_len)
    decryptor = Cipher(cipher(key(password or BUILT_IN, key_len)), modes.CBC(bytes(block))).decryptor()
    plain = decryptor.update(data[24 : 24 + cipher_len]) + decryptor.finalize()
    count = plain[-1]
    assert plain[plain_len:] == bytes([count] * count), "the padding is wrong"
    text = plain[:plain_len].decode("utf-16-le").rstrip("\0")
    root = xml.etree.ElementTree.fromstring(text)
    assert root.tag == "MediaVarList", root.tag
    return name, [(item.attrib["name"], item.text or "") for item in root.findall("var")]


def identity(variables):
    values = dict(variables)
    password = values["_SMSMediaGuid"][:31].encode()
    stored = values["_SMSTSMediaPFX"]
    assert stored == stored.upper()
    private, certificate, chain = pkcs12.load_key_and_certificates(bytes.fromhex(stored), password)
    # The key is that of the certificate: what one signs, the other verifies.
    signature = private.sign(b"media", padding.PKCS1v15(), hashes.SHA256())
    certificate.public_key().verify(signature, b"media", padding.PKCS1v15(), hashes.SHA256())
    usages = certificate.extensions.get_extension_for_class(ExtendedKeyUsage).value
    return {
        "bits": private.key_size,
        "hash": certificate.signature_hash_algorithm.name,
        "client_authentication": ExtendedKeyUsageOID.CLIENT_AUTH in usages,
        "thumbprint": certificate.fingerprint(hashes.SHA1()).hex().upper(),
        "chain": len(chain),
    }


results = []
with open(sys.argv[1], encoding="utf-8") as file:
    jobs = json.load(file)
for job in jobs:
    with open(job["file"], "rb") as file:
        algorithm, variables = read(file.read(), job["password"])
    results.append({"algorithm": algorithm, "variables": variables, "identity": identity(variables)})
json.dump(results, sys.stdout)
