"""IANA zones: the type of a configured one, and the order in which they are offered, those in common use first.

What does NOT belong here: conversion between zones (local_time.py).
"""

from __future__ import annotations

import functools
import zoneinfo
from typing import Annotated

from pydantic import AfterValidator

# The others are aliases or neighbours of one of them.
USUAL = (
    "UTC", "Europe/Paris", "Europe/London", "Europe/Lisbon", "Europe/Athens", "America/New_York", "America/Chicago",
    "America/Denver", "America/Los_Angeles", "America/Toronto", "America/Sao_Paulo", "Asia/Kolkata", "Asia/Dubai",
    "Asia/Singapore", "Asia/Tokyo", "Australia/Sydney", "Africa/Casablanca", "Indian/Reunion", "America/Martinique",
)  # fmt: skip


def known_zone(name: str) -> str:
    """`name` when it is an IANA time zone; ValueError otherwise."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{name!r} is no IANA time zone") from None
    return name


#: A text of a configuration that names an IANA zone; others are refused when it loads.
Zone = Annotated[str, AfterValidator(known_zone)]


@functools.cache
def zone_names() -> tuple[str, ...]:
    """Every zone of the tz database with a place in its name, the usual ones first."""
    others = sorted(
        z for z in zoneinfo.available_timezones() if "/" in z and not z.startswith(("Etc/", "SystemV/"))
    )
    return (*USUAL, *(zone for zone in others if zone not in USUAL))


@functools.cache
def zone_info(zone: str) -> zoneinfo.ZoneInfo:
    """The rules of a zone."""
    return zoneinfo.ZoneInfo(zone)
