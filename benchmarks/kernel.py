"""What a kernel with the noise lab open takes: memory, seconds until the lab is there, and whether torch came along."""

from time import perf_counter

import psutil
from jupyter_client.manager import start_new_kernel

OPEN = "from lt_helpers.labs import NoiseLab\nlab = NoiseLab()\nlab"
ASK = "import sys; print('torch' in sys.modules)"


def kernel():
    """-> memory of the kernel's process before and with the lab (MB), seconds to open it, whether torch was imported."""
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        process = psutil.Process(manager.provisioner.pid)
        before = process.memory_info().rss / 1e6
        start = perf_counter()
        run(client, OPEN)
        seconds = perf_counter() - start
        with_torch = run(client, ASK).strip() == "True"
        return before, process.memory_info().rss / 1e6, seconds, with_torch
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run(client, code):
    """Run a cell; -> what it printed. An error in the cell is an error here."""
    printed = []

    def collect(message):
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])

    reply = client.execute_interactive(code, timeout=60, output_hook=collect)
    if reply["content"]["status"] != "ok":
        raise RuntimeError(f"the cell failed: {reply['content']['evalue']}")
    return "".join(printed)


def report():
    """The measurements in words."""
    before, after, seconds, with_torch = kernel()
    return (
        f"A kernel with the noise lab open: {after:.0f} MB (bare kernel {before:.0f} MB), opened in {seconds:.2f} s, "
        f"{'with' if with_torch else 'without'} torch."
    )
