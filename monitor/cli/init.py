"""`hfm init`: writes a commented configuration."""

from pathlib import Path

from rich.console import Console

from monitor import resources
from monitor.errors import UsageError


def init(path: Path = Path("hfm.toml")) -> None:
    """Write a commented configuration to PATH; an existing file is never overwritten."""
    if path.exists():
        raise UsageError(f"{path} exists already: choose another name, or edit it")
    try:
        path.write_text((resources.config() / "monitor.example.toml").read_text(encoding="utf-8"), encoding="utf-8")
    except OSError as e:
        raise UsageError(f"cannot write {path}: {e.strerror}") from e
    Console().print(f"Wrote [bold]{path}[/bold]. Edit it, then: hfm check --config {path}")
