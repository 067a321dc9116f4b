"""`alberta report-environment`: versions, and which forms of programs are in use and why."""

import importlib.metadata
import platform

import jax
from rich.console import Console
from rich.table import Table

from ..compilation.execution_plan import VARIABLE, execution_plan
from ..loops.ahead import usable_cores

_PACKAGES = (
    "alberta_framework",
    "jax",
    "jaxlib",
    "equinox",
    "numpy",
    "gymnasium",
    "orbax-checkpoint",
)


def report_environment() -> None:
    """Print what a report of a fault or of a figure should name."""
    console, plan = Console(markup=False), execution_plan()
    versions = Table("Package", "Version")
    versions.add_row("Python", f"{platform.python_version()}, {platform.machine()}")
    for package in _PACKAGES:
        try:
            versions.add_row(package, importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            versions.add_row(package, "not installed")
    console.print(versions)
    devices = ", ".join(sorted({device.device_kind for device in jax.devices()}))
    console.print(f"Backend {plan.backend} ({devices}), {usable_cores()} usable cores.\n")
    forms = Table("Form of compiled programs", "In use", "Why not")
    for form in plan.FORMS:
        forms.add_row(form, "yes" if plan.uses(form) else "no", plan.off.get(form, ""))
    console.print(forms)
    console.print(f"{VARIABLE}=plain turns every form off.")
