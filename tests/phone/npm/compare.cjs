// SPDX-License-Identifier: Apache-2.0
// Reads the lines of answers.c and asks google-libphonenumber the same. Prints the first differences; one makes it fail.
//
// Left out, because there the JavaScript differs from the C++ that we follow:
//   rounded   all but the error of a number of 16 or 17 national digits, which JavaScript rounds (none is valid)
//   twice     "/x12/x34": JavaScript ends the text at the first mark of a second number, the C++ at the last
//   behind    "1;phone-context=+1tel:2": JavaScript takes what is between the two for the number, the C++ what follows
//   retried   "+0012" in Germany: no country code behind the plus, and too little where it is read as if dialled. JavaScript tells the
//             second error, the C++ the first
"use strict";
const readline = require("readline");
const { Error: Errors, PhoneNumberFormat, PhoneNumberUtil } = require("google-libphonenumber");
const { version } = require("google-libphonenumber/package.json");

const SHOWN = 20;
const EXACT_DIGITS = 15;
const INVALID_COUNTRY_CODE = 1;
const TOO_SHORT_AFTER_IDD = 3;
const UNKNOWN_TYPE = 11;
const util = PhoneNumberUtil.getInstance();

// Classes of texts, by the text alone.
const otherwise = [
  ["twice", /[\\/] *x.*[\\/] *x/],
  ["behind", /;phone-context=.*tel:/],
];

// The C++ and JavaScript give the same names different numbers.
const errors = ["", "INVALID_COUNTRY_CODE", "NOT_A_NUMBER", "TOO_SHORT_AFTER_IDD", "TOO_SHORT_NSN", "TOO_LONG"].map((name) => Errors[name]);
const possibilities = ["IS_POSSIBLE", "IS_POSSIBLE_LOCAL_ONLY", "INVALID_COUNTRY_CODE", "TOO_SHORT", "INVALID_LENGTH", "TOO_LONG"].map(
  (name) => PhoneNumberUtil.ValidationResult[name],
);

function parse(text, region) {
  try {
    return { number: util.parse(text, region) };
  } catch (e) {
    const error = errors.indexOf(e.message);
    if (error < 0) throw e;
    return { error };
  }
}

// The answer as answers.c writes it.
function line(number) {
  const type = util.getNumberType(number);
  return [
    `+${number.getCountryCode()}`,
    util.getRegionCodeForNumber(number) ?? "ZZ",
    `type ${type < 0 ? UNKNOWN_TYPE : type}`,
    util.isValidNumber(number) ? "valid" : "not valid",
    `possible ${possibilities.indexOf(util.isPossibleNumberWithReason(number))}`,
    `ext "${number.getExtensionOrDefault()}"`,
    util.format(number, PhoneNumberFormat.E164),
    util.format(number, PhoneNumberFormat.NATIONAL),
    util.format(number, PhoneNumberFormat.INTERNATIONAL),
  ].join("\t");
}

const count = { texts: 0, numbers: 0, valid: 0, differences: 0 };
const left_out = { rounded: 0, twice: 0, behind: 0, retried: 0 };

// Whether the answers differ where they may, and if so as what.
function known(text, { number, error }, got) {
  const one = otherwise.find(([, pattern]) => pattern.test(text));
  if (one) return one[0];
  if (number && !got.startsWith("error") && util.getNationalSignificantNumber(number).length > EXACT_DIGITS) return "rounded";
  if (error === TOO_SHORT_AFTER_IDD && got === `error ${INVALID_COUNTRY_CODE}` && text.includes("+")) return "retried";
  return undefined;
}

function compare(region, text, got) {
  const answer = parse(text, region);
  const as = known(text, answer, got);
  if (as) {
    left_out[as]++;
    return;
  }
  const want = answer.number ? line(answer.number) : `error ${answer.error}`;
  count.texts++;
  if (answer.number) count.numbers++;
  if (want.includes("\tvalid\t")) count.valid++;
  if (want === got) return;
  if (count.differences++ < SHOWN) console.log(`${region} ${JSON.stringify(text)}\n  google-libphonenumber: ${want}\n  we:                    ${got}`);
}

async function main() {
  let tables = "";
  for await (const row of readline.createInterface({ input: process.stdin })) {
    if (tables === "") {
      tables = row;
      if (tables !== `google-libphonenumber ${version}`) throw new Error(`tables of ${tables}, installed is google-libphonenumber ${version}`);
      continue;
    }
    const [region, text, ...got] = row.split("\t");
    compare(region, text, got.join("\t"));
  }
  const rest = Object.entries(left_out).map(([name, n]) => `${n} ${name}`).join(", ");
  console.log(`${tables}: ${count.texts} texts, ${count.numbers} numbers, ${count.valid} valid; left out ${rest}; ${count.differences} differences`);
  process.exitCode = count.differences > 0 || count.valid === 0 ? 1 : 0;
}

main();
