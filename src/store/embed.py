# SPDX-License-Identifier: Apache-2.0
# Turns a file into a C array, so that the program carries it (its schema, a dictionary, tables): embed.py NAME IN OUT
# The array is aligned for tables that are read in place.
import sys

name, source, target = sys.argv[1:4]
data = open(source, "rb").read()
kind = "char" if data.isascii() else "unsigned char"
with open(target, "w", encoding="ascii") as out:
    out.write(f"static const _Alignas(64) {kind} {name}[] = {{\n")
    for at in range(0, len(data), 24):
        out.write(",".join(str(b) for b in data[at:at + 24]) + ",\n")
    out.write("0};\n")
