"""Start a training as several processes, on one machine or more, and again from the last checkpoint when one dies.

What `torchrun` does, with the errors of edgewright: PyTorch's elastic agent runs here and watches the others.
"""

import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import InputError

_PORT = 29400


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How a training is spread.

    Attributes:
        num_processes: on this machine.
        num_machines: each of which runs the same command.
        endpoint: "host" or "host:port" of one of the machines; they meet there.
        max_restarts: how many times the processes are started again after one was lost.
    """

    num_processes: int
    num_machines: int
    endpoint: str
    max_restarts: int

    def check(self) -> None:
        """Raises `InputError`."""
        for name, value in (("NPROC", self.num_processes), ("NNODES", self.num_machines)):
            if not 1 <= value <= 1024:
                raise InputError(f"{name}={value}: must be 1 to 1024")
        if self.max_restarts < 0:
            raise InputError(f"RESTARTS={self.max_restarts}: must be 0 or more")
        if self.num_machines > 1 and not self.endpoint:
            raise InputError("NNODES: MASTER= is needed, host:port of one of the machines, where they meet")
        _, _, port = self.endpoint.partition(":")
        if port and not (port.isdecimal() and 0 < int(port) < 65536):
            raise InputError(f"MASTER={self.endpoint}: give host:port, a port is 1 to 65535")


def launch(how: Launch, name: str, arguments: Sequence[str]) -> int:
    """Run `edgewright-train` with `arguments` in every process; the exit code of the first that failed, else 0."""
    from torch.distributed.elastic.multiprocessing.api import SignalException  # noqa: PLC0415 (slow to import)
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError  # noqa: PLC0415
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch  # noqa: PLC0415

    logging.getLogger("torch.distributed").setLevel(logging.ERROR)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # else each process would set it, with a warning
    host, _, port = how.endpoint.partition(":")
    config = LaunchConfig(
        min_nodes=how.num_machines,
        max_nodes=how.num_machines,
        nproc_per_node=how.num_processes,
        run_id=name,
        rdzv_backend="c10d",
        rdzv_endpoint=f"{host}:{port or _PORT}" if host else "localhost:0",
        max_restarts=how.max_restarts,
        monitor_interval=0.2,
        start_method="spawn",
    )
    command = ("-m", "edgewright_train", *arguments)
    try:
        elastic_launch(config, sys.executable)(*command)
    except SignalException:
        return 130  # the processes were told too, and have saved what they had
    except ChildFailedError as error:
        _, first = error.get_first_failure()
        code = int(first.exitcode)
        if code < 0:  # a signal; what the process printed itself is known to the user already
            print(f"edgewright-train: error: a process was ended by signal {-code}", file=sys.stderr)
            return 1
        return code
    return 0
