"""Runs scenarios one after the other and prints the report. Runs in the guest; see ../README.md."""

import asyncio
import importlib
import logging
import os
import shutil
import sys
import traceback

from lab import Lab
from radio import Air

SCENARIO_SECONDS_MAX = 60
# On top, for each round that is asked for.
ROUND_SECONDS_MAX = 30
# Logs are written to memory first: a write to the host's file system would slow the programs down.
LOGS = "/run/lab/scenarios"
HOST_LOGS = "/run/lab/logs"


async def run_scenario(air, name):
    """Returns whether it passed."""
    scenario = importlib.import_module(f"scenarios.{name}")
    loop = asyncio.get_running_loop()
    started = loop.time()
    print(f"== {name}: {scenario.__doc__.splitlines()[0]}", flush=True)
    lab = Lab(air, f"{LOGS}/{name}")
    seconds_max = getattr(scenario, "SECONDS_MAX", SCENARIO_SECONDS_MAX)
    seconds_max += lab.rounds(0) * ROUND_SECONDS_MAX
    try:
        await asyncio.wait_for(scenario.run(lab), seconds_max)
        passed = True
    except Exception as error:  # pylint: disable=broad-except
        passed = False
        report_failure(error)
        for process, lines in lab.tails():
            print(f"--- the end of {process}'s log", *lines, sep="\n      ", flush=True)
    await lab.close()
    shutil.copytree(lab.folder, f"{HOST_LOGS}/{name}", copy_function=shutil.copyfile)
    print(
        f"{'PASS' if passed else 'FAIL'} {name} ({loop.time() - started:.1f} s)",
        flush=True,
    )
    return passed


def report_failure(error):
    """Says what failed, and where in the scenario."""
    frames = traceback.extract_tb(error.__traceback__)
    place = next(
        (frame for frame in reversed(frames) if "/scenarios/" in frame.filename),
        frames[-1],
    )
    print(f"  FAILED  {error or type(error).__name__}", flush=True)
    print(
        f"          at {os.path.basename(place.filename)}:{place.lineno}: {place.line}",
        flush=True,
    )
    traceback.print_exception(error)


async def main(names):
    logging.basicConfig(level=logging.WARNING)
    air = Air()
    await asyncio.wait_for(air.start(), 20)
    results = [await run_scenario(air, name) for name in names]
    print(f"{results.count(True)} passed, {results.count(False)} failed", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
