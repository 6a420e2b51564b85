"""The air: one simulated link, with the kernel's controller (hci0) and every central on it.

Bumble implements the controllers. The kernel gets its one through /dev/vhci and cannot tell it from hardware, so
BlueZ, the kernel's L2CAP and HCI layers and everything above them are the real ones. The air itself is not: there is
no loss, no delay and no interference.
"""

import asyncio
import errno
import os

from bumble import hci
from bumble.controller import Controller, LegacyAdvertiser
from bumble.link import LocalLink

# A real advertiser would take BlueZ's default of 1.28 s; faster saves time in every scenario.
ADVERTISING_INTERVAL_S = 0.1

CLASS = "/sys/class/bluetooth"
# Core Spec 5.4, Vol 1, Part F, 2.
CONNECTION_TIMEOUT = 0x08

ADAPTER_ADDRESS = "02:00:00:00:00:01"


VHCI_VENDOR_PACKET = 0xFF
VHCI_PRIMARY_CONTROLLER = 0x00
HCI_PACKET_BYTES_MAX = 4096


class Vhci:
    """The kernel's side of the adapter: one HCI packet per read and per write of /dev/vhci.

    Bumble has a transport for it, but that closes for good, and hci0 vanishes, when one write fails.
    """

    def __init__(self):
        self._controller = None
        self._file = os.open("/dev/vhci", os.O_RDWR | os.O_NONBLOCK)
        os.write(self._file, bytes([VHCI_VENDOR_PACKET, VHCI_PRIMARY_CONTROLLER]))
        # The answer is the first thing to read: packet, kind, and the number of the adapter.
        answer = os.read(self._file, HCI_PACKET_BYTES_MAX)
        self.name = f"hci{int.from_bytes(answer[2:4], 'little')}"

    def start(self):
        """Begins to carry packets. Until then the kernel has an adapter that does not answer."""
        asyncio.get_running_loop().add_reader(self._file, self._on_readable)

    def close(self):
        """Unplugs it."""
        loop = asyncio.get_running_loop()
        # It may not have been started.
        loop.remove_reader(self._file)
        # The kernel may still wait for an answer, for seconds, and others are not to wait for that.
        loop.run_in_executor(None, os.close, self._file)
        self._file = None

    def set_packet_sink(self, controller):
        self._controller = controller

    def _on_readable(self):
        packet = os.read(self._file, HCI_PACKET_BYTES_MAX)
        self._controller.on_packet(packet)

    def on_packet(self, packet):
        """Takes a packet from the controller to the kernel."""
        if self._file is None:
            return
        try:
            os.write(self._file, packet)
        except OSError as error:
            # The kernel refuses packets while the adapter is powered off: nobody is there to hear them.
            if error.errno != errno.ENXIO:
                raise


class Advertiser(LegacyAdvertiser):
    """Sends at a fixed interval."""

    def _on_timer_fired(self):
        self.send_advertising_data()
        loop = asyncio.get_running_loop()
        self.timer_handle = loop.call_later(
            ADVERTISING_INTERVAL_S, self._on_timer_fired
        )


class AdapterController(Controller):
    """The controller behind hci0."""

    # BlueZ prefers extended advertising where it is offered, and the link carries no scan responses for it.
    le_features = Controller.le_features & ~(
        hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
        | hci.LeFeatureMask.LE_PERIODIC_ADVERTISING
    )
    supported_commands = {
        command
        for command in Controller.supported_commands
        if "EXTENDED" not in hci.HCI_Command.command_name(command)
    }

    def __init__(self, link, vhci):
        super().__init__(
            "hci0",
            host_source=vhci,
            host_sink=vhci,
            link=link,
            public_address=hci.Address(
                ADAPTER_ADDRESS, hci.Address.PUBLIC_DEVICE_ADDRESS
            ),
        )
        # The link names the sender of data by its random address, also when it advertised with its public one.
        self.random_address = self.public_address
        self.le_legacy_advertiser = Advertiser(self)

    def on_hci_reset_command(self, command):
        self.le_legacy_advertiser.stop()
        return super().on_hci_reset_command(command)


class CentralController(Controller):
    """The controller of a central. It hears scan responses, where BlueZ puts the name."""

    le_features = AdapterController.le_features

    def on_advertising_pdu(self, pdu):
        if self.le_scan_enable:
            event = hci.HCI_LE_Advertising_Report_Event
            scan_response = self._advertiser(pdu.advertiser_address).scan_response_data
            for event_type, data in (
                (event.EventType.ADV_IND, pdu.data),
                (event.EventType.SCAN_RSP, scan_response),
            ):
                report = event.Report(
                    event_type=event_type,
                    address_type=pdu.advertiser_address.address_type,
                    address=pdu.advertiser_address,
                    data=data,
                    rssi=-50,
                )
                self.send_hci_packet(event([report]))
        pending = self.pending_le_connection
        if pending and pending.peer_address == pdu.advertiser_address:
            self.create_le_connection(pdu.advertiser_address)

    def _advertiser(self, address):
        advertisers = (
            controller.le_legacy_advertiser for controller in self.link.controllers
        )
        return next(a for a in advertisers if a.enabled and a.address == address)


async def _until(holds):
    while not holds():
        await asyncio.sleep(0.02)


class Air:
    """The link and the adapter on it."""

    def __init__(self):
        self.link = LocalLink()
        self.adapter = None
        self.name = "hci0"
        self._vhci = None

    async def start(self):
        """Plugs the adapter in and waits until the kernel shows it as hci0."""
        await self.plug("hci0")

    async def unplug(self):
        """Pulls the adapter out. Whoever was connected notices that it is gone."""
        for controller in list(self.link.controllers):
            for connection in list(controller.le_connections.values()):
                if controller is not self.adapter:
                    controller.on_le_disconnected(connection, CONNECTION_TIMEOUT)
        self.adapter.le_legacy_advertiser.stop()
        self.link.remove_controller(self.adapter)
        self._vhci.close()
        await _until(lambda: not os.path.exists(f"{CLASS}/{self.name}"))

    async def plug(self, name):
        """Plugs it in, to be known by this name. The kernel takes the first one that is free."""
        vhci, others = Vhci(), []
        while vhci.name != name:
            others.append(vhci)
            if vhci.name > name:
                # The last one of that name is not quite gone.
                others.pop().close()
                await asyncio.sleep(0.1)
            vhci = Vhci()
        self.name = name
        self._vhci = vhci
        self.adapter = AdapterController(self.link, vhci)
        vhci.start()
        for other in others:
            other.close()
        await _until(lambda: os.path.exists(f"{CLASS}/{name}"))

    def lose(self, central):
        """What the adapter's controller says when it has not heard of a central for the supervision timeout."""
        address = str(central)
        for connection in list(self.adapter.le_connections.values()):
            if str(connection.peer_address).startswith(address):
                self.adapter.on_le_disconnected(connection, CONNECTION_TIMEOUT)

    @property
    def advertising(self):
        """Whether the adapter advertises at this moment."""
        return self.adapter.le_legacy_advertiser.enabled
