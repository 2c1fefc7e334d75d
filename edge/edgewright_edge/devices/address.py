"""What a user gives as `DEVICE`: host, ssh://user@host:port, adb:SERIAL or qemu:CPU."""

import re
from dataclasses import dataclass

from edgewright_train.errors import InputError

# None of these begins with a dash, so none is taken for an option of ssh or adb.
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_IPV6 = re.compile(r"\[([0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?)\]")
_SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")
_FORMS = "give host, ssh://user@host:port, adb:SERIAL or qemu:CPU"
# CPU, as QEMU calls it -> architecture.  Raspberry Pi 3, 4 and 5 in 64 bits; 2, and the others in 32 bits.
EMULATED = {
    "cortex-a53": "aarch64", "cortex-a72": "aarch64", "cortex-a76": "aarch64",
    "cortex-a7": "armv7", "cortex-a15": "armv7",
}  # fmt: skip


@dataclass(frozen=True)
class HostAddress:
    """The machine this runs on."""

    def __str__(self) -> str:
        return "host"


@dataclass(frozen=True)
class SshAddress:
    """`host` may be a name of the user's ssh configuration; what is None is left to that."""

    host: str
    user: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ssh://{user}{host}{f':{self.port}' if self.port else ''}"


@dataclass(frozen=True)
class AdbAddress:
    """`serial`: as `adb devices` lists it."""

    serial: str

    def __str__(self) -> str:
        return f"adb:{self.serial}"


@dataclass(frozen=True)
class QemuAddress:
    """An ARM CPU that QEMU pretends to be, on this machine."""

    cpu: str

    def __str__(self) -> str:
        return f"qemu:{self.cpu}"


Address = HostAddress | SshAddress | AdbAddress | QemuAddress


def parse_device(text: str) -> Address:
    """Raises `InputError` that names the part which is wrong, and what is allowed."""
    if text == "host":
        return HostAddress()
    if text.startswith("ssh://"):
        return _parse_ssh(text)
    if text.startswith("adb:"):
        serial = text.removeprefix("adb:")
        _require(_SERIAL, serial, text, "the serial number", "as adb devices lists it")
        return AdbAddress(serial)
    if text.startswith("qemu:"):
        cpu = text.removeprefix("qemu:")
        if cpu not in EMULATED:
            raise InputError(f"DEVICE={text}: the CPU is {cpu!r}; it must be one of {', '.join(EMULATED)}")
        return QemuAddress(cpu)
    raise InputError(f"DEVICE={text}: {_FORMS}")


def _parse_ssh(text: str) -> SshAddress:
    rest = text.removeprefix("ssh://").removesuffix("/")
    if "/" in rest:
        raise InputError(f"DEVICE={text}: a device has no path; {_FORMS}")
    user, at, place = rest.rpartition("@")
    if at:
        _require(_USER, user, text, "the user", "letters, digits and . _ -, and does not begin with - or .")
    ipv6 = _IPV6.match(place)
    host, port = (ipv6[1], place[ipv6.end() :]) if ipv6 else _split_port(place)
    if not ipv6:
        _require(_HOST, host, text, "the host", "a name or an address, IPv6 in [ ], and does not begin with - or .")
    return SshAddress(host, user if at else None, _parse_port(port, text))


def _split_port(place: str) -> tuple[str, str]:
    """The host, and the port with its colon."""
    host, colon, port = place.partition(":")
    return host, colon + port


def _parse_port(text: str, device: str) -> int | None:
    if not text:
        return None
    port = text.removeprefix(":")
    if not text.startswith(":") or not (port.isascii() and port.isdecimal() and 1 <= int(port) <= 65535):
        raise InputError(f"DEVICE={device}: the port is {port!r}; it must be a number from 1 to 65535")
    return int(port)


def _require(pattern: re.Pattern[str], value: str, device: str, what: str, allowed: str) -> None:
    if not pattern.fullmatch(value):
        raise InputError(f"DEVICE={device}: {what} is {value!r}; it must be {allowed}")
