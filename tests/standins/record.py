"""Records the official plugins anew: `python -m tests.standins.record --plugin PATH [SCENARIO ...]`.

PATH is the official program, `pulumi-resource-kubernetes` or `pulumi-resource-command`. Every scenario of that plugin
is played again, or those that are named, and the answers in its file are replaced. Read the difference in git: what has
changed there has changed in the plugin, and the stand-in has to follow. A new scenario is a file in `recordings` whose
steps have no answers yet.
"""

from __future__ import annotations

import argparse
import sys
from itertools import groupby
from pathlib import Path

from tests.standins.plugins import official
from tests.standins.recordings import load_all
from tests.standins.runs import SURROUNDINGS, run


def main() -> None:
    """Record what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plugin", type=Path, required=True, help="the official plugin's program")
    parser.add_argument("--version", default="", help="what to write down as its version; else what it says itself")
    parser.add_argument("scenarios", nargs="*", help="the scenarios' names; else all")
    arguments = parser.parse_args()
    recordings = load_all(arguments.plugin.name.removeprefix("pulumi-resource-"))
    chosen = [each for each in recordings if not arguments.scenarios or each.name in arguments.scenarios]
    if not chosen:
        sys.exit(f"no such scenario: there are {', '.join(each.name for each in recordings) or 'none of this plugin'}")
    for needs, group in groupby(sorted(chosen, key=lambda each: each.needs), key=lambda each: each.needs):
        with SURROUNDINGS[needs]() as values:
            for recording in group:
                with official(arguments.plugin.absolute(), {}) as plugin:
                    answers = run(plugin, recording, values)
                    recording.save(arguments.version or plugin.version(), answers)
                sys.stdout.write(f"{recording.name}\n")


if __name__ == "__main__":
    main()
