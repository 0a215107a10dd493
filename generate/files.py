"""Every file that is written from code, with what writes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from generate import (
    CHART,
    ROOT,
    arguments_page,
    chart_crd,
    chart_readme,
    chart_rules,
    chart_schema,
    chart_values_files,
    commands_page,
    component_schema,
    distributions_part,
    paths_page,
    troubleshooting_page,
)

GENERATED: dict[Path, Callable[[], str]] = {
    ROOT / "components" / "schema.json": component_schema.written,
    ROOT / "components" / "multus" / "node" / "distributions.sh": distributions_part.written,
    CHART / "values.schema.json": chart_schema.written,
    CHART / "README.md": chart_readme.written,
    CHART / "files" / "rules.json": chart_rules.written,
    CHART / "templates" / "crd.yaml": chart_crd.written,
    **{CHART / name: write for name, write in chart_values_files.FILES.items()},
    ROOT / "docs" / "arguments.md": arguments_page.written,
    ROOT / "docs" / "commands.md": commands_page.written,
    ROOT / "docs" / "paths.md": paths_page.written,
    ROOT / "docs" / "troubleshooting.md": troubleshooting_page.written,
}
"""What each file has to be, by its path. A table inside a file that people write is replaced in that file."""
