"""What a table was measured on."""

import os
import platform

import llvmlite.binding


def machine():
    """Name cores and processor: with wider vector instructions much takes less."""
    processor = llvmlite.binding.get_host_cpu_name()
    return f"{os.cpu_count()} cores ({platform.machine()}, {processor})"
