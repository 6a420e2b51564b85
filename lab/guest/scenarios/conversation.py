"""An application sees of bluetoothd what it sees of the stand-in that measurements use outside the lab."""

import lab as programs
from bench import two_adapters

TEST = f"{programs.REPOSITORY}/target/lab/stand_in"
# The snapshot is compared with, and the guest could not write another one.
ENVIRONMENT = ("INSTA_UPDATE=no", "RUST_BACKTRACE=0")
SECONDS_MAX = 120


async def run(lab):
    # Two others take the place of the one that all scenarios share.
    await lab.air.unplug()
    started = []
    try:
        started = await two_adapters(lab.folder)
        code, output = await programs.run(
            *("env", *ENVIRONMENT, TEST, "bluetoothd_itself", "--ignored", "--nocapture"),
            timeout=60,
        )
        lab.write_file("conversation.log", output)
        lab.check(code == 0, "the transcript is the one that is committed", output)
    finally:
        for program in reversed(started):
            await program.stop()
        await lab.air.plug("hci0")
