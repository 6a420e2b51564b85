"""A BLE central that is not BlueZ: Bumble's host, with the few operations that a scenario needs.

ATT errors are results here, not exceptions, because scenarios ask for them.
"""

import asyncio

from bumble import att, hci
from bumble.core import UUID, AdvertisingData
from bumble.device import Device, Peer
from bumble.gatt_client import ServiceProxy
from bumble.host import Host
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.transport.common import AsyncPipeSink

from events import Stream
from radio import CentralController

ATT_MTU = 517

# Mostly used with a healthy peripheral, so its only job is to end a run that went wrong.
DEADLINE_S = 20.0


class Central:
    """One central. `connect` first, then everything else."""

    def __init__(self, link, number):
        self.name = f"central {number}"
        # Two most significant bits set: a static random address.
        address = hci.Address(f"F{number}:00:00:00:00:0{number}")
        controller = CentralController(self.name, link=link, public_address=None)
        controller.random_address = address
        self.address = str(address).split("/", maxsplit=1)[0]
        self._controller = controller
        self._device = Device(
            name=self.name,
            address=address,
            host=Host(controller, AsyncPipeSink(controller)),
        )
        self._connection = None
        self._peer = None

    async def start(self):
        await self._device.power_on()

    async def stop(self):
        await self.disconnect()
        if self._device.is_scanning:
            await self._device.stop_scanning()
        self._controller.link.remove_controller(self._controller)

    async def find(self, name=None, service=None, timeout=DEADLINE_S):
        """Scans until a connectable advertiser shows every given property; returns its address.

        Raises TimeoutError when none does within `timeout` seconds.
        """
        heard = Stream()

        def on_advertisement(advertisement):
            if not advertisement.is_connectable:
                return
            if name is not None and _local_name(advertisement.data) != name:
                return
            if service is not None and UUID(service) not in _service_uuids(
                advertisement.data
            ):
                return
            heard.put(advertisement.address)

        self._device.on("advertisement", on_advertisement)
        await self._device.start_scanning()
        try:
            return (await heard.next(timeout)).value
        finally:
            await self._device.stop_scanning()
            self._device.remove_listener("advertisement", on_advertisement)

    async def connect(self, address, timeout=DEADLINE_S):
        """Connects, agrees on a large MTU as phones do, and discovers everything."""
        self._connection = await self._device.connect(address, timeout=timeout)
        self._connection.on("disconnection", self._on_disconnection)
        self._peer = Peer(self._connection)
        await self._peer.request_mtu(ATT_MTU)
        await self.discover()

    async def pair(self, passkey=None):
        """Pairs: as a device without input and output, or as one with a keyboard if `passkey` gives the number."""
        capability = (
            PairingDelegate.KEYBOARD_INPUT_ONLY
            if passkey
            else PairingDelegate.NO_OUTPUT_NO_INPUT
        )
        delegate = PairingDelegate(io_capability=capability)
        if passkey:
            delegate.get_number = passkey
        config = PairingConfig(mitm=passkey is not None, delegate=delegate)
        self._device.pairing_config_factory = lambda _connection: config
        async with asyncio.timeout(DEADLINE_S):
            await self._connection.pair()

    async def disconnect(self):
        if self._connection:
            await self._connection.disconnect()

    def _on_disconnection(self, _reason):
        self._connection = None

    @property
    def connected(self):
        return self._connection is not None

    async def wait_disconnected(self, timeout=DEADLINE_S):
        async with asyncio.timeout(timeout):
            while self._connection:
                await asyncio.sleep(0.02)

    async def discover(self):
        """Discovers the whole tree anew; `services` and `characteristics` look into it."""
        self._peer.gatt_client.services = []
        await self._peer.discover_all()

    def services(self, uuid=None):
        """The discovered services, of one UUID if given."""
        found: list[ServiceProxy] = self._peer.services
        return [
            service for service in found if uuid is None or service.uuid == UUID(uuid)
        ]

    def characteristics(self, uuid):
        """Every discovered characteristic with that UUID, in any service."""
        return [
            c
            for s in self.services()
            for c in s.characteristics
            if c.uuid == UUID(uuid)
        ]

    def characteristic(self, uuid):
        """The one characteristic with that UUID."""
        found = self.characteristics(uuid)
        if len(found) != 1:
            raise LookupError(f"{len(found)} characteristics {uuid}")
        return found[0]

    async def read(self, attribute):
        """Reads a whole value, with Read Blob where it is long: bytes, or the ATT error as int."""
        return await _or_error(self._peer.gatt_client.read_value(attribute.handle))

    async def read_at(self, attribute, offset):
        """One Read Blob Request at an offset: bytes, or the ATT error as int."""
        response = await self._request(
            att.ATT_Read_Blob_Request(
                attribute_handle=attribute.handle, value_offset=offset
            )
        )
        return response if isinstance(response, int) else response.part_attribute_value

    async def read_descriptor(self, characteristic, uuid):
        """Reads a descriptor, given by its 16-bit UUID."""
        descriptor = characteristic.get_descriptor(UUID.from_16_bits(uuid))
        if descriptor is None:
            raise LookupError(f"no descriptor {uuid:#06x}")
        return await self.read(descriptor)

    async def write(self, attribute, value):
        """Writes with response: None, or the ATT error as int."""
        write = self._peer.gatt_client.write_value(
            attribute.handle, value, with_response=True
        )
        return await _or_error(write)

    async def subscribe(self, characteristic, indications=False):
        """Subscribes; returns the Stream of values from then on."""
        values = Stream()
        await self._peer.subscribe(
            characteristic, values.put, prefer_notify=not indications
        )
        return values

    async def refused_subscription(self, characteristic):
        """Writes the client configuration: None, or the ATT error as int."""
        await characteristic.discover_descriptors()
        configuration = characteristic.get_descriptor(UUID.from_16_bits(0x2902))
        return await self.write(configuration, b"\x01\x00")

    async def _request(self, request):
        response = await self._peer.gatt_client.send_request(request)
        if response.op_code == att.Opcode.ATT_ERROR_RESPONSE:
            return int(response.error_code)
        return response


async def _or_error(operation):
    try:
        return await operation
    except att.ATT_Error as error:
        return int(error.error_code)


def _local_name(data):
    name = data.get(AdvertisingData.COMPLETE_LOCAL_NAME, raw=True)
    return name.decode() if name else None


def _service_uuids(data):
    kinds = (
        AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
        AdvertisingData.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
        AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
        AdvertisingData.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    )
    found = []
    for kind in kinds:
        for uuids in data.get_all(kind):
            found.extend(uuids)
    return found
