"""bluetoothd is stopped, and killed, while bemo-sync runs: everything comes back, once."""

import signal

from number import CONFIG, NUMBER, SERVICE, check_in_step, jumps, subscriber


async def run(lab):
    listener = await lab.surroundings()
    bemo_sync = await lab.bemo_sync(CONFIG)
    phone = await subscriber(lab)
    handle = phone.characteristic.handle
    await phone.next()

    for number in (signal.SIGTERM, signal.SIGKILL):
        await lab.bluetoothd.signal(number)
        await phone.central.wait_disconnected()
        lab.check(
            True, f"bluetoothd ends by {number.name}: the central is disconnected"
        )
        await lab.start_bluetoothd()
        phone = await subscriber(lab, phone.central)
        lab.check(True, "bluetoothd is back: the advertisement is, too")
        lab.equal(
            len(phone.central.services(SERVICE)), 1, "there is one copy of the service"
        )
        lab.equal(
            len(phone.central.characteristics(NUMBER)), 1, "with one copy of the number"
        )
        lab.equal(
            phone.characteristic.handle, handle, f"at the same handle, {handle:#06x}"
        )
        await phone.next()
        lab.check(True, "it is notified")
    await check_in_step(lab, phone, listener, count=2)
    lab.check(bemo_sync.running, "bemo-sync has run all along")
    lab.equal(
        jumps(listener.output.values()), [], "and its ticker has counted on, on MQTT"
    )
