"""Whether the kernel thinks that this box's clock is disciplined (S3)."""

from __future__ import annotations

import ctypes


class _Timex(ctypes.Structure):
    """``struct timex`` of adjtimex(2); only its size and ``status`` matter here."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


_UNSYNCHRONISED = 0x40
"""STA_UNSYNC."""


def clock_is_synchronised() -> bool | None:
    """Whether the clock is synchronised; None where the kernel will not say (a sandbox may refuse the question)."""
    timex = _Timex()
    answer = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    return None if answer < 0 else not timex.status & _UNSYNCHRONISED
