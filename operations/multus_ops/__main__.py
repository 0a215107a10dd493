"""`python -m multus_ops`: the same as the console script `multus-ops`."""

import sys


def _main() -> None:
    try:
        from .commands import main
    except ModuleNotFoundError as error:
        sys.exit(f"{error.name} is not installed: run `pip install -r requirements.txt` of the project.")
    main()


if __name__ == "__main__":
    _main()
