"""The options `--device` and `--devices`, which several commands have."""

import argparse
from pathlib import Path

from edgewright_train.errors import InputError

from .address import parse_device
from .lab import read_lab
from .target import HOST, Target


def add_device_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device", help="host (default), ssh://user@host:port, adb:SERIAL, qemu:CPU; or a name in --devices"
    )
    parser.add_argument("--devices", type=Path, help="a lab.toml: all of its devices, or the one that --device names")


def chosen_targets(arguments: argparse.Namespace) -> tuple[Target, ...]:
    """Raises `InputError` for what is no device, or no name in the file."""
    if arguments.devices is None:
        return (HOST if arguments.device is None else _single(arguments.device),)
    targets = read_lab(arguments.devices)
    if arguments.device is None:
        return targets
    found = [target for target in targets if target.name == arguments.device]
    if not found:
        names = ", ".join(target.name for target in targets)
        raise InputError(f"DEVICE={arguments.device}: {arguments.devices} has the devices {names}")
    return tuple(found)


def chosen_target(arguments: argparse.Namespace) -> Target:
    """As `chosen_targets`, exactly one."""
    targets = chosen_targets(arguments)
    if len(targets) > 1:
        names = ", ".join(target.name for target in targets)
        raise InputError(f"DEVICES={arguments.devices}: choose one with DEVICE=: {names}")
    return targets[0]


def _single(text: str) -> Target:
    address = parse_device(text)
    return Target(str(address), address)
