# SPDX-License-Identifier: Apache-2.0
"""Compares our reading of the system's time zones with Python's, 1990 to 2060: every zone of zone.tab, every change to the
second and the offset of every third day. Usage: compare_zones.py ZONE_DUMP [FOLDER]."""

import subprocess
import sys
import zoneinfo
from datetime import datetime, timezone
from pathlib import Path

FROM, UNTIL, STEP = 631152000, 2840140800, 3 * 86400


def offset(tz, t):
    return int(datetime.fromtimestamp(t, tz).utcoffset().total_seconds())


def compare(name, first, changes):
    """How many offsets were compared; raises AssertionError with the place."""
    tz, now, compared, at = zoneinfo.ZoneInfo(name), first, 0, FROM
    for t, after in [*changes, (UNTIL, None)]:
        for probe in [*range(at, t, STEP), t - 1]:
            assert offset(tz, probe) == now, f"{name} at {datetime.fromtimestamp(probe, timezone.utc)}: {offset(tz, probe)}, we say {now}"
            compared += 1
        assert after is None or after != now, f"{name}: a change to the same offset at {t}"
        at, now = t, after
    return compared


def main():
    dump, folder = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "/usr/share/zoneinfo"
    if not Path(folder, "zone.tab").exists():
        print(f"SKIPPED zones: no {folder}/zone.tab", file=sys.stderr)
        sys.exit(77)
    zoneinfo.reset_tzpath([folder])
    run = subprocess.run([dump, folder, str(FROM), str(UNTIL)], capture_output=True, text=True, check=True)
    rows = [line.split() for line in run.stdout.splitlines()]
    listed = [line.split("\t") for line in Path(folder, "zone.tab").read_text().splitlines() if not line.startswith("#")]
    assert ["damaged", "0"] in rows, "sound files were refused"
    countries = [(r[1], r[2]) for r in rows if r[0] == "country"]
    assert sorted(countries) == sorted((cc, zone) for cc, _, zone, *_ in listed), "countries and their zones"
    zones, changes, compared = 0, 0, 0
    for name, first, *rest in (r[1:] for r in rows if r[0] == "zone"):
        found = [tuple(int(v) for v in pair.split(":")) for pair in rest]
        compared += compare(name, int(first), found)
        changes += len(found)
        zones += 1
    assert zones > 400 and changes > 20000
    print(f"{zones} zones, {changes} changes, {compared} offsets: the same as Python's")


main()
