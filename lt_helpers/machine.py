"""What this process is granted: memory and processors, of the machine or, where that is less, of its container (cgroup version 1 or 2)."""

import math
import os
from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")


def memory(cgroup=CGROUP):
    """Bytes that this process holds, that it and its neighbours are granted, and that are free -> (held, granted, free)."""
    machine = psutil.virtual_memory()
    granted, free = machine.total, machine.available
    for folder in folders(cgroup, "memory"):
        limit = min(number(folder / "memory.max"), number(folder / "memory.limit_in_bytes"))
        used = min(number(folder / "memory.current"), number(folder / "memory.usage_in_bytes")) - reclaimable(
            folder
        )
        if limit < machine.total:
            granted, free = min(granted, limit), min(free, limit - used)
    return psutil.Process().memory_info().rss, granted, max(free, 0)


def processors(cgroup=CGROUP):
    """How many processors this process may keep busy: those it is bound to, or fewer where there is a quota (rounded down, at least 1)."""
    granted = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    for folder in folders(cgroup, "cpu"):
        quota = min(number(folder / "cpu.max"), number(folder / "cpu.cfs_quota_us"))
        period = min(number(folder / "cpu.max", 1), number(folder / "cpu.cfs_period_us"))
        if 0 < quota < math.inf:  # version 1 says -1 where there is none
            granted = min(granted, quota / period)
    return max(1, math.floor(granted))


def folders(cgroup, controller):
    """Where the limits on this process stand: its own group's folder and those above it (version 2), and the controller's (version 1)."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    own = next(
        (cgroup / line.removeprefix("0::").strip("/") for line in lines if line.startswith("0::")), cgroup
    )
    return [*(folder for folder in (own, *own.parents) if folder.is_relative_to(cgroup)), cgroup / controller]


def number(path, field=0):
    """One number of a one-line file; infinity where there is no such file, or where it says "max"."""
    try:
        return float(path.read_text().split()[field].replace("max", "inf"))
    except OSError:
        return math.inf


def reclaimable(folder):
    """Bytes of cached files, which a group gives back when memory is short."""
    try:
        rows = (line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except OSError:
        return 0
    stat = {name: int(value) for name, value in rows}
    return stat.get("total_inactive_file", stat.get("inactive_file", 0))
