"""bemo-sync is started before bluetoothd: it waits, says so once, then serves."""

import re

from lab import START_DEADLINE_S, repository_file
from number import CONFIG, check_in_step, subscriber

WAITING = re.compile(
    r"wait.*(bluetooth|bluez|adapter|hci0)|(bluetooth|bluez|adapter|hci0).*wait",
    re.IGNORECASE,
)


async def run(lab):
    await lab.start_broker()
    listener = await lab.listen()
    # A named adapter is waited for; `auto` may take the virtual one.
    config = lab.write_file(
        "services.yaml",
        repository_file(CONFIG).replace("adapter: auto", "adapter: hci0"),
    )
    bemo_sync = await lab.bemo_sync(config)
    for _ in range(3):
        await listener.output.next(timeout=START_DEADLINE_S)
    lab.check(bemo_sync.running, "without bluetoothd it runs, and counts on MQTT")
    said = [line for line in bemo_sync.lines.values() if WAITING.search(line)]
    lab.equal(len(said), 1, "its log says once that it waits")
    lab.note(said[0])
    lab.check(not lab.air.advertising, "nothing is advertised yet")

    await lab.start_bluetoothd()
    phone = await subscriber(lab)
    lab.check(True, "bluetoothd has come: it is found")
    await check_in_step(lab, phone, listener, count=2)
