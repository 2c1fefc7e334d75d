"""What a user may give as a device, and in a lab.toml; everything else is one line that names what is wrong."""

import argparse
from pathlib import Path

import pytest

from edgewright_edge.devices import binary
from edgewright_edge.devices.address import AdbAddress, HostAddress, QemuAddress, SshAddress, parse_device
from edgewright_edge.devices.choose import chosen_target, chosen_targets
from edgewright_edge.devices.fleet import exit_code, on_each
from edgewright_edge.devices.lab import read_lab
from edgewright_edge.devices.ssh import SshConnection
from edgewright_edge.devices.target import HOST, Target
from edgewright_train.errors import CheckError, InputError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("host", HostAddress()),
        ("ssh://pi", SshAddress("pi")),
        ("ssh://pi@10.0.0.5:2222", SshAddress("10.0.0.5", "pi", 2222)),
        ("ssh://a.b-c@raspberrypi.local", SshAddress("raspberrypi.local", "a.b-c")),
        ("ssh://pi@[fe80::1%eth0]:22", SshAddress("fe80::1%eth0", "pi", 22)),
        ("adb:emulator-5554", AdbAddress("emulator-5554")),
        ("adb:10.0.0.7:5555", AdbAddress("10.0.0.7:5555")),
        ("qemu:cortex-a76", QemuAddress("cortex-a76")),
    ],
)
def test_a_device_reads_back_as_it_was_written(text: str, address: object) -> None:
    assert parse_device(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "DEVICE=: give host, ssh://user@host:port, adb:SERIAL or qemu:CPU"),
        ("pi@10.0.0.5", "give host, ssh://user@host:port, adb:SERIAL or qemu:CPU"),
        ("ssh://", "the host is ''"),
        ("ssh://-oProxyCommand=reboot", "the host is '-oProxyCommand=reboot'; it must be"),
        ("ssh://-l@pi", "the user is '-l'; it must be"),
        ("ssh://a b@pi", "the user is 'a b'"),
        ("ssh://@pi", "the user is ''"),
        ("ssh://pi;reboot", "the host is 'pi;reboot'"),
        ("ssh://$(reboot)", "the host is '$(reboot)'"),
        ("ssh://pi:0", "the port is '0'; it must be a number from 1 to 65535"),
        ("ssh://pi:22x", "the port is '22x'"),
        ("ssh://pi:65536", "the port is '65536'"),
        ("ssh://pi/home", "a device has no path"),
        ("ssh://[::1]x", "the port is 'x'"),
        ("adb:", "the serial number is ''"),
        ("adb:-e", "the serial number is '-e'"),
        ("adb:a b", "the serial number is 'a b'"),
        ("qemu:", "the CPU is ''; it must be one of cortex-a53, cortex-a72, cortex-a76"),
        ("qemu:max", "the CPU is 'max'"),
    ],
)
def test_what_is_no_device_is_refused_with_the_part_that_is_wrong(text: str, message: str) -> None:
    with pytest.raises(InputError) as raised:
        parse_device(text)
    assert f"DEVICE={text}: " in str(raised.value)
    assert message in str(raised.value)


def _lab(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "lab.toml"
    path.write_text(text)
    return path


def test_a_lab_names_devices_and_says_how_programs_are_started_there(tmp_path: Path) -> None:
    lab = _lab(
        tmp_path,
        """
        [devices.pi5]
        device = "ssh://pi@10.0.0.5"
        [devices.emulated]
        device = "host"
        architecture = "aarch64"
        runner = ["qemu-aarch64", "-cpu", "cortex-a76"]
        folder = "/var/tmp"
        timeout_s = 60
        """,
    )
    pi5, emulated = read_lab(lab)
    assert pi5 == Target("pi5", SshAddress("10.0.0.5", "pi"))
    assert emulated.runner == ("qemu-aarch64", "-cpu", "cortex-a76")
    assert (emulated.name, emulated.architecture, emulated.folder, emulated.timeout_s) == (
        "emulated", "aarch64", "/var/tmp", 60,
    )  # fmt: skip
    assert not emulated.is_plain_host
    assert HOST.is_plain_host


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "devices: missing"),
        ("[devices]", "devices: "),
        ('[devices.a]\nname = "x"', "devices.a.device: missing"),
        ('[devices.a]\ndevice = "host"\ncpu = 1', "devices.a.cpu: unknown key"),
        ('[devices.a]\ndevice = "pi"', "devices.a.device: give host, ssh://user@host:port, adb:SERIAL or qemu:CPU"),
        ('[devices.a]\ndevice = "ssh://pi:x"', "devices.a.device: the port is 'x'"),
        ('[devices.a]\ndevice = "host"\nrunner = "qemu"', "devices.a.runner: "),
        ('[devices.a]\ndevice = "host"\nrunner = ["a", ""]', "devices.a.runner.1: "),
        ('[devices.a]\ndevice = "host"\nfolder = "tmp"', "devices.a.folder: must be an absolute path (got 'tmp')"),
        ('[devices.a]\ndevice = "host"\ntimeout_s = 0', "devices.a.timeout_s: "),
        ('[devices."a/b"]\ndevice = "host"', "devices.a/b"),
        ("[devices.a", "not valid TOML"),
    ],
)
def test_a_lab_that_is_wrong_is_refused_by_file_and_field(tmp_path: Path, text: str, message: str) -> None:
    lab = _lab(tmp_path, text)
    with pytest.raises(InputError) as raised:
        read_lab(lab)
    assert str(raised.value).startswith(f"{lab}: ")
    assert message in str(raised.value)


def test_a_device_is_chosen_from_a_lab_by_name(tmp_path: Path) -> None:
    lab = _lab(tmp_path, '[devices.a]\ndevice = "host"\n[devices.b]\ndevice = "adb:1"\n')
    assert chosen_targets(argparse.Namespace(device=None, devices=None)) == (HOST,)
    assert [each.name for each in chosen_targets(argparse.Namespace(device=None, devices=lab))] == ["a", "b"]
    assert chosen_target(argparse.Namespace(device="b", devices=lab)).address == AdbAddress("1")
    with pytest.raises(InputError, match=r"DEVICE=c: .*lab\.toml has the devices a, b"):
        chosen_target(argparse.Namespace(device="c", devices=lab))
    with pytest.raises(InputError, match="choose one with DEVICE=: a, b"):
        chosen_target(argparse.Namespace(device=None, devices=lab))


def test_programs_are_chosen_by_architecture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary, "_BUILD", tmp_path)
    monkeypatch.setattr(binary, "build_host", lambda: Path("the host's"))
    monkeypatch.setattr(binary.platform, "machine", lambda: "x86_64")
    for name in ("aarch64", "armv7"):
        (tmp_path / f"_edge-{name}").mkdir()
        (tmp_path / f"_edge-{name}" / "edgebench").touch()
    assert binary.binary_for("x86_64") == Path("the host's")
    for said, name in {"aarch64": "aarch64", "arm64": "aarch64", "armv7l": "armv7", "armv8l": "armv7"}.items():
        assert binary.binary_for(said) == tmp_path / f"_edge-{name}" / "edgebench"
    with pytest.raises(InputError, match="no edgebench is built for the architecture riscv64; there are: x86_64"):
        binary.binary_for("riscv64")
    (tmp_path / "_edge-aarch64" / "edgebench").unlink()
    with pytest.raises(InputError, match="not built for aarch64; run: make edge-rpi ARCH=aarch64"):
        binary.binary_for("arm64")


def test_every_option_of_a_user_stands_before_the_dashes_or_is_quoted() -> None:
    connection = SshConnection(SshAddress("pi", "me", 22), "pi", "")
    connection._control = argparse.Namespace(name="/tmp/c")  # type: ignore[assignment]
    client = connection._client("line")
    assert client[-3:] == ["--", "pi", "line"]
    assert client[client.index("-p") + 1] == "22"
    assert client[client.index("-l") + 1] == "me"


def test_a_device_that_fails_does_not_stop_the_others() -> None:
    targets = [Target(name, HostAddress()) for name in "abc"]

    def work(target: Target) -> str:
        if target.name == "b":
            raise CheckError("b: gone")
        return target.name.upper()

    outcomes = list(on_each(targets, work))
    assert [outcome.result for outcome in outcomes] == ["A", None, "C"]
    assert str(outcomes[1].error) == "b: gone"
    assert exit_code(outcomes) == 1
    assert exit_code([outcomes[0]]) == 0


def test_the_exit_code_tells_wrong_input_where_no_device_worked() -> None:
    def work(target: Target) -> str:
        raise InputError(target.name)

    assert exit_code(list(on_each([HOST, HOST], work))) == 2
