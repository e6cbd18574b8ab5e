"""What a process gives up before it opens strangers' files: network, programs, memory, room on the disk.

Linux only, and without it nothing is scored. A system call filter (seccomp) refuses sockets of every kind,
other programs, and looking into other processes; it cannot be taken back. Limits of the kernel hold memory,
the size of files, and processor time. What stays open is reading what the board's user may read; the
environment is empty, so no token is in it.
"""

from __future__ import annotations

import ctypes
import platform
import resource
import struct
import sys
from dataclasses import dataclass

from mirabench.errors import InputError

_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _AT_LEAST, _HAS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE, _UNKNOWN, _KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
"""Refused calls fail with EPERM, or as one that this kernel lacks; another architecture's end the process."""
_NUMBER, _ARCHITECTURE, _ARGUMENT = 0, 4, 16
"""Where `seccomp_data` holds the call's number, the architecture, and the first argument's low half."""
_X32 = 0x40000000
"""Numbers from here on are the same calls by another door."""

_CALLS = {
    "x86_64": (0xC000003E, {
        "socket": 41, "connect": 42, "accept": 43, "sendto": 44, "bind": 49, "listen": 50, "accept4": 288,
        "execve": 59, "execveat": 322, "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311,
        "io_uring_setup": 425, "pidfd_getfd": 438, "bpf": 321, "unshare": 272, "setns": 308, "mount": 165,
        "fork": 57, "vfork": 58, "kill": 62,
        "tkill": 200, "tgkill": 234, "pidfd_send_signal": 424, "keyctl": 250, "userfaultfd": 323,
    }),
    "aarch64": (0xC00000B7, {
        "socket": 198, "connect": 203, "accept": 202, "sendto": 206, "bind": 200, "listen": 201, "accept4": 242,
        "execve": 221, "execveat": 281, "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271,
        "io_uring_setup": 425, "pidfd_getfd": 438, "bpf": 280, "unshare": 97, "setns": 268, "mount": 40,
        "kill": 129, "tkill": 130, "tgkill": 131, "pidfd_send_signal": 424, "keyctl": 219, "userfaultfd": 282,
    }),
}  # fmt: skip
"""Machine -> its number in the kernel, and those of the calls that are refused."""
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE3 = 435
_THREAD = 0x10000
"""The flag of `clone` for a thread; without it a process begins, which nobody could end."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one clip may take."""

    seconds: float = 600.0
    """On the clock; the parent holds it too."""
    gigabytes: float = 8.0
    """Of memory that is the process's own."""
    megabytes_written: int = 64
    """Of one file that it writes."""


def confine(limits: Limits) -> None:
    """Give it all up, for good.

    Raises:
        InputError: the system cannot hold a process back, so nothing may be opened in it.
    """
    machine = platform.machine()
    if sys.platform != "linux" or machine not in _CALLS:
        raise InputError(
            f"clips of strangers are scored on Linux only (x86_64 or aarch64), not on {sys.platform} {machine}"
        )
    for kind, amount in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_DATA, int(limits.gigabytes * 2**30)),
        (resource.RLIMIT_FSIZE, limits.megabytes_written * 2**20),
        (resource.RLIMIT_CPU, int(limits.seconds * 64)),
    ):
        resource.setrlimit(kind, (amount, amount))
    _filter(machine)


class _Program(ctypes.Structure):
    """The kernel's `sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def _filter(machine: str) -> None:
    code = _instructions(*_CALLS[machine], _CLONE[machine])
    held = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(held))
    library = ctypes.CDLL(None, use_errno=True)
    failed = library.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or library.prctl(
        _SET_SECCOMP, _FILTER, ctypes.byref(program)
    )
    if failed:
        raise InputError(
            f"this kernel takes no system call filter (error {ctypes.get_errno()}): clips cannot be scored here"
        )


def _instructions(architecture: int, calls: dict[str, int], clone: int) -> bytes:
    """A program of the packet filter: the architecture, each refused call, new processes, then all else."""
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _REFUSE),
    ]
    for number in calls.values():
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    # its flags are behind a pointer, where no filter can look: the C library then asks `clone`
    steps += [(_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _UNKNOWN)]
    steps += [(_EQUAL, 0, 3, clone), (_LOAD, 0, 0, _ARGUMENT), (_HAS, 1, 0, _THREAD)]
    steps += [(_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
