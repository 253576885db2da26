#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tables of plans that are not the product's, for tests:  make_tables.py PHONE_DATA PHONE_COMPILE OUT.pnd debian|xml FILE --released DAY

PHONE_DATA reads the plans out of a package or file into texts in a folder of its own, PHONE_COMPILE makes OUT.pnd of them."""

import pathlib
import subprocess
import sys
import tempfile

phone_data, phone_compile, out, *source = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    subprocess.run([phone_data, *source, "-o", folder], check=True)
    texts = [p for p in (pathlib.Path(folder) / f"{name}.tsv" for name in ("numbers", "zones", "carriers")) if p.exists()]
    subprocess.run([phone_compile, *texts, "-o", out], check=True)
