# SPDX-License-Identifier: Apache-2.0
# Turns a file into a C array, so that the program carries it (its schema, a dictionary): embed.py NAME IN OUT
import sys

name, source, target = sys.argv[1:4]
data = open(source, "rb").read()
kind = "char" if data.isascii() else "unsigned char"
with open(target, "w", encoding="ascii") as out:
    out.write(f"static const {kind} {name}[] = {{\n")
    for at in range(0, len(data), 24):
        out.write(",".join(str(b) for b in data[at:at + 24]) + ",\n")
    out.write("0};\n")
