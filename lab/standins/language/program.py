"""Runs one Pulumi program: `program.py SETTINGS FOLDER`, the configuration in the environment."""

from __future__ import annotations

import asyncio
import json
import logging
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pulumi
from pulumi import runtime

_FAILED, _SHOWN_TO_USER = 1, 32


def main(settings: str, program: str) -> int:
    """The program's exit code; its error goes to the engine's log."""
    configured = runtime.Settings(**json.loads(settings))
    runtime.set_all_config(runtime.get_config_env(), runtime.get_config_secret_keys_env())
    runtime.configure(configured)
    sys.argv = [program]
    # Tasks that a failure leaves behind are expected; asyncio would report each of them.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    workers = ThreadPoolExecutor(max_workers=max(configured.parallel or 1, 1) * 4)
    loop.set_default_executor(workers)

    def run() -> None:
        runpy.run_path(program, run_name="__main__")

    try:
        loop.run_until_complete(runtime.run_in_stack(run))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return _FAILED
    except Exception:
        pulumi.log.error(f"Program failed with an unhandled exception:\n{_own_frames(program)}")
        return _SHOWN_TO_USER
    finally:
        workers.shutdown(wait=True)
        loop.close()
    return 0


def _own_frames(program: str) -> str:
    """The traceback from the program's own first frame on."""
    frames = traceback.extract_tb(sys.exc_info()[2])
    entry = Path(program).resolve()
    for index, frame in enumerate(frames):
        if Path(frame.filename).resolve() in (entry, entry / "__main__.py"):
            return traceback.format_exc(limit=index - len(frames))
    return traceback.format_exc()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
