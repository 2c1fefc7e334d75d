"""Devices that packs are measured, verified and evaluated on: this host, a board over ssh, a phone over adb."""
