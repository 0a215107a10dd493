"""The lab's one error."""

from pathlib import Path


class LabError(Exception):
    """A failure that the reader can act on: a sentence and, if there is one, the log that says more."""

    def __init__(self, message: str, log: Path | None = None) -> None:
        self.log = log
        super().__init__(message if log is None else f"{message}\n{log}:\n{last_lines(log)}")


def last_lines(log: Path, count: int = 20) -> str:
    """The end of a log, indented."""
    lines = log.read_text(errors="replace").splitlines()[-count:] if log.exists() else ["(no such file)"]
    return "\n".join(f"  {line}" for line in lines)
