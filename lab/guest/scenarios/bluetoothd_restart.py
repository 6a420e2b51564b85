"""bluetoothd is stopped and killed again and again while bemo-sync runs: everything comes back in time, once.

"In time" is 2 s on a machine that is not emulated. The lab is slower by a factor that it measures itself, with the same
work on the host and in the guest (`reference.py`), before and after the rounds; the smaller factor counts, and 5 at the
most. A round is measured from the log line of bluetoothd that its adapter is powered to bemo-sync's that it is on the air.
"""

import signal

from number import CONFIG, NUMBER, SERVICE, check_in_step, jumps, subscriber

ROUNDS = 4
BACK_WITHIN_S = 2.0
# Each restart of bluetoothd takes a few; without a leak they are let go of.
GROWTH_KB_MAX = 1_000


async def run(lab):
    listener = await lab.surroundings()
    bemo_sync = await lab.bemo_sync(CONFIG)
    phone = await subscriber(lab)
    handle = phone.characteristic.handle
    await phone.next()

    rounds = lab.rounds(ROUNDS)
    slowness = await lab.slowness()
    taken, left = [], []
    for number in range(rounds):
        taken.append(await restart(lab, bemo_sync, phone, number))
        phone = await back(lab, phone, handle)
        left.append((bemo_sync.files, bemo_sync.memory_kb))
    slowness = min(slowness, await lab.slowness())

    lab.check(True, f"bluetoothd has ended {rounds} times, by SIGTERM and by SIGKILL in turn")
    lab.check(True, f"each time one copy of the service and of the number came back, at {handle:#06x}, and notified")
    taken.sort()
    median, worst = taken[len(taken) // 2], taken[-1]
    lab.note(f"on the air after {median:.2f} s, at the most {worst:.2f} s; scaled, {worst / slowness:.2f} s")
    lab.check(worst < BACK_WITHIN_S * slowness, f"that is within {BACK_WITHIN_S} s, scaled", worst)
    # The first two are the ones that allocate.
    (files, memory), (_, memory_last) = max(left[:2]), left[-1]
    files_last = await bemo_sync.files_at_most(files)
    lab.check(files_last <= files, f"bemo-sync has {files_last} files open, as after the first round", left)
    lab.check(memory_last - memory < GROWTH_KB_MAX, f"and {memory_last - memory} kB more memory", left)
    await check_in_step(lab, phone, listener, count=2)
    lab.check(bemo_sync.running, "bemo-sync has run all along")
    lab.equal(jumps(listener.output.values()), [], "and its ticker has counted on, on MQTT")


async def restart(lab, bemo_sync, phone, number):
    """Ends bluetoothd and starts it; returns how long it took to be on the air from when that was possible."""
    bemo_sync.lines.skip()
    await lab.bluetoothd.signal((signal.SIGTERM, signal.SIGKILL)[number % 2])
    await phone.central.wait_disconnected()
    possible = await lab.start_bluetoothd()
    on_the_air = await bemo_sync.lines.until(lambda line: "is on the air by" in line, timeout=30)
    if not lab.air.advertising:
        lab.check(False, "it advertises when it says so", number)
    return on_the_air.at - possible


async def back(lab, phone, handle):
    """The phone finds everything as it was, once."""
    phone = await subscriber(lab, phone.central)
    copies = (len(phone.central.services(SERVICE)), len(phone.central.characteristics(NUMBER)))
    if (copies, phone.characteristic.handle) != ((1, 1), handle):
        lab.equal((copies, phone.characteristic.handle), ((1, 1), handle), "one copy, at the same handle")
    await phone.next()
    return phone
