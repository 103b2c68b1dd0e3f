"""What this process is granted: memory and processors, of the machine or, where that is less, of its container (cgroup version 1 or 2).

Where the system does not say, as in a page, an amount is None.
"""

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
PROC = Path("/proc")


def memory(cgroup=CGROUP, proc=PROC):
    """The memory that this process has.

    Parameters
    ----------
    cgroup, proc : Path.  Where Linux says it.

    Returns
    -------
    held, granted, free : int or None
        Bytes that this process holds, that it and its neighbours are granted, and that are free.
    """
    held, total, available = whole_machine(proc)
    total = math.inf if total is None else total
    granted = total
    free = math.inf if available is None else available
    for folder in folders(cgroup, "memory", proc):
        limit = min(number(folder / "memory.max"), number(folder / "memory.limit_in_bytes"))
        used = min(number(folder / "memory.current"), number(folder / "memory.usage_in_bytes"))
        if limit < total:
            granted = min(granted, limit)
            free = min(free, max(0, limit - used + reclaimable(folder)))
    return held, known_amount(granted), known_amount(free)


def whole_machine(proc=PROC):
    """What the machine has, whatever this process is granted of it -> bytes held by this process, there, and free; None if not known."""
    try:
        import psutil
    except ModuleNotFoundError:  # it is in no page
        return held_by_this(proc), meminfo(proc, "MemTotal"), meminfo(proc, "MemAvailable")
    whole = psutil.virtual_memory()
    return psutil.Process().memory_info().rss, whole.total, whole.available


def held_by_this(proc):
    """Bytes that this process holds, as Linux says it; None elsewhere."""
    try:
        pages = int((proc / "self" / "statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return None


def meminfo(proc, name):
    """Bytes of the memory of the machine, as Linux says them; None elsewhere."""
    try:
        rows = (proc / "meminfo").read_text().splitlines()
        kilobytes = next(row.split()[1] for row in rows if row.startswith(name + ":"))
        return 1024 * int(kilobytes)
    except (OSError, ValueError, IndexError, StopIteration):
        return None


def known_amount(amount):
    """An amount as a whole number, or None where there is no bound on it."""
    return None if amount == math.inf else int(amount)


def processors(cgroup=CGROUP, proc=PROC):
    """How many processors this process may keep busy: those it may run on, or fewer where there is a quota (rounded down, at least 1).

    Parameters
    ----------
    cgroup, proc : Path.  Where Linux says it.

    Returns
    -------
    count : int
    """
    granted = usable_processors()
    for folder in folders(cgroup, "cpu", proc):
        quota = min(number(folder / "cpu.max"), number(folder / "cpu.cfs_quota_us"))
        period = min(number(folder / "cpu.max", 1), number(folder / "cpu.cfs_period_us"))
        if 0 < quota < math.inf and period < math.inf:  # version 1 says -1 where there is none
            granted = min(granted, quota / period)
    return max(1, math.floor(granted))


def usable_processors():
    """How many processors this process may run on; 1 where the system does not say."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def folders(cgroup, controller, proc):
    """Where the limits on this process stand: its own group's folder and those above it (version 2), and the controller's (version 1)."""
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        lines = []
    own = next(
        (cgroup / line.removeprefix("0::").strip("/") for line in lines if line.startswith("0::")), cgroup
    )
    return [*(folder for folder in (own, *own.parents) if folder.is_relative_to(cgroup)), cgroup / controller]


def number(path, field=0):
    """One number of a one-line file; infinity where there is no such file or number, or where it says "max"."""
    try:
        return float(path.read_text().split()[field].replace("max", "inf"))
    except (OSError, ValueError, IndexError):
        return math.inf


def reclaimable(folder):
    """Bytes of cached files, which a group gives back when memory is short."""
    try:
        rows = (line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except OSError:
        return 0
    stat = {name: int(value) for name, value in rows}
    return stat.get("total_inactive_file", stat.get("inactive_file", 0))
