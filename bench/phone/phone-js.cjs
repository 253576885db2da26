// SPDX-License-Identifier: Apache-2.0
// Reads the list of bench/phone with libphonenumber-js, all of its metadata, and says how many rows a second of processor time.
"use strict";
const fs = require("fs");
const { parsePhoneNumberFromString } = require("libphonenumber-js/max");

const rows = fs.readFileSync(process.argv[2], "utf8").split("\n").slice(0, 100000).map((line) => line.split("\t"));
let valid = 0;
const one = ([region, text]) => {
  const number = text && parsePhoneNumberFromString(text, region === "ZZ" ? undefined : region);
  if (number && number.getType() !== undefined && number.isValid() && number.number && number.country) valid++;
};
rows.slice(0, 20000).forEach(one);
const before = process.cpuUsage();
rows.forEach(one);
const used = process.cpuUsage(before);
console.log(`libphonenumber-js: ${Math.round(rows.length / ((used.user + used.system) / 1e6))} a second`);
