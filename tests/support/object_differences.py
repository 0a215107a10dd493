"""Where two objects differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def differences(described: Any, rendered: Any, path: str = "") -> Iterator[str]:
    """One line per differing path; the order of keys means nothing, that of lists does."""
    if isinstance(described, dict) and isinstance(rendered, dict):
        for key in sorted(described.keys() | rendered.keys()):
            if key not in rendered:
                yield f"{path}.{key}: the chart does not say {described[key]!r}"
            elif key not in described:
                yield f"{path}.{key}: only the chart says {rendered[key]!r}"
            else:
                yield from differences(described[key], rendered[key], f"{path}.{key}")
    elif isinstance(described, list) and isinstance(rendered, list) and len(described) == len(rendered):
        for index, (one, other) in enumerate(zip(described, rendered, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif type(described) is not type(rendered) or described != rendered:
        yield f"{path}: objects.py says {described!r}, the chart {rendered!r}"
