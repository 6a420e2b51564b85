"""Stands for the client of Home Assistant's cloud, which is imported and not used here."""

remote = None
