"""`python -m components.multus` from the project, `python -m multus` from `components/`, or `bin/multus`."""

import sys


def _main() -> None:
    try:
        from .commands import main
    except ModuleNotFoundError as error:
        sys.exit(f"{error.name} is not installed: run `pip install -r requirements.txt` of the project.")
    main()


_main()
