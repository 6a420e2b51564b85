"""Stands for Home Assistant's own Bluetooth, which is imported and not used here."""


class BluetoothServiceInfoBleak:
    pass
