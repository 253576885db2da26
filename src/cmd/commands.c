/* SPDX-License-Identifier: Apache-2.0
 * commands.c - the table of every command there is.
 *
 * Name, words, summary, options and what it does, in one row each. `wayleave help`, the generated part of
 * wayleave(1) and the shell completions are made from these rows; a command or an option exists when it stands
 * here and nowhere else. */
#include "cmd/command.h"
#include "cmd/campaigns_verbs.h"
#include "cmd/columns_args.h"
#include "cmd/import_table.h"
#include "cmd/lists_verbs.h"
#include "cmd/phone_tables.h"
#include "cmd/screen_job.h"
#include "cmd/simulate.h"
#include "cmd/segments_verbs.h"
#include "cmd/verbs.h"

static const struct option serve_options[] = {
    {.name = "set",
     .value = "KEY=VALUE",
     .help = "override one setting, as in --set listen=127.0.0.1:0",
     .repeat = true},
    {0},
};

static const struct option check_options[] = {
    {.name = "set", .value = "KEY=VALUE", .help = "override one setting", .repeat = true},
    {.name = "new-config", .help = "print a commented sample of a whole configuration and stop"},
    {0},
};

static const struct option sandbox_options[] = {
    {.name = "listen",
     .value = "ADDRESS",
     .help = "address and port (default 127.0.0.1:9090; port 0 picks a free one)"},
    {.name = "token", .value = "TOKEN", .help = "access token to accept (default sandbox-token)", .repeat = true},
    {.name = "app-secret", .value = "SECRET", .help = "signs the webhooks it posts (default sandbox-secret)"},
    {.name = "verify-token", .value = "TOKEN", .help = "for the webhook handshake (default sandbox-verify)"},
    {.name = "webhook-url", .value = "URL", .help = "where to post webhooks to"},
    {.name = "waba", .value = "ID", .help = "id of the WhatsApp Business account"},
    {.name = "number", .value = "ID=PHONE", .help = "a phone number it owns, as in 111=+15550001000", .repeat = true},
    {.name = "tls-cert", .value = "FILE", .help = "serve HTTPS with this certificate chain"},
    {.name = "tls-key", .value = "FILE", .help = "and this private key"},
    {.name = "ca-file", .value = "FILE", .help = "authorities an https webhook URL is checked against"},
    {.name = "people",
     .value = "RATES",
     .help =
         "let people react as in read=75%,opt-out=0.2%,undeliverable=3%,factor=3600,seed=1; \"default\" for the usual"},
    {.name = "people-group",
     .value = "NAME:RATES",
     .help = "people of another kind, as in bought:prefix=4915,opt-out=15%; or share=10%",
     .repeat = true},
    {.name = "windows-open", .help = "never refuse free-form messages for a closed window"},
    {.name = "pair-limit", .help = "enforce one message per 6 s to one person, bursts of 45"},
    {.name = "rate", .value = "N", .help = "messages a second per number before it answers 130429; 0 is no limit"},
    {0},
};

static const struct option link_options[] = {
    {.name = "days", .value = "N", .help = "how long it is good"},
    {0},
};
static const struct option import_options[] = {
    {.name = "errors",
     .value = "FILE",
     .help = "write the rows that failed there, each with its reason, to be repaired and imported"},
    {.name = "region",
     .value = "XX",
     .help = "where a number without country code is from, as in DE; the row's country counts first"},
    {.name = "international", .help = "every number in the file begins with its country code, '+' or not"},
    {.name = "allow-unassigned", .help = "take numbers of ranges that are assigned to nobody, too"},
    COLUMNS_OPTIONS,
    IMPORT_TABLE_OPTIONS,
    {.name = "attribute",
     .value = "NAME=COLUMN",
     .help = "keep a column as an attribute of the contact, as in city=Town",
     .repeat = true},
    {.name = "consent-from", .value = "COLUMN", .help = "whose yes is the agreement of --consent"},
    {.name = "ignore-column",
     .value = "COLUMN",
     .help = "it says nothing about who agreed or left, whatever its name is",
     .repeat = true},
    {.name = "consent", .value = "SCOPE", .help = "for rows that say nothing: what these people agreed to"},
    {.name = "consent-at", .value = "TIME", .help = "for rows that say nothing: when"},
    {.name = "consent-method", .value = "WORD", .help = "for rows that say nothing: how, as in web_form"},
    {.name = "consent-wording", .value = "TEXT", .help = "for rows that say nothing: the words they agreed to"},
    {.name = "consent-evidence", .value = "TEXT", .help = "for rows that say nothing: where the proof lies"},
    {.name = "consent-expires", .value = "TIME", .help = "for rows that say nothing: when their consent ends"},
    {.name = "business", .value = "NAME", .help = "for rows that say nothing: the business as it was named to them"},
    {.name = "policy", .value = "VERSION", .help = "for rows that say nothing: the privacy policy they saw"},
    {.name = "jurisdiction", .value = "PLACE", .help = "for rows that say nothing: whose law, as in DE or US-CA"},
    {0},
};

static const struct option consent_options[] = {
    {.name = "scope", .value = "SCOPE", .help = "all, or a list of marketing, utility, authentication, calls"},
    {.name = "at",
     .value = "TIME",
     .help = "when the person said so (default: now; a grant needs it where they refused before)"},
    {.name = "method", .value = "WORD", .help = "how, as in web_form, paper, phone_call (default: operator)"},
    {.name = "source", .value = "TEXT", .help = "the form, shop or file it came from"},
    {.name = "wording", .value = "TEXT", .help = "the words the person saw or said"},
    {.name = "wording-sha256", .value = "HASH", .help = "the same, when they were recorded before (consent wordings)"},
    {.name = "language", .value = "CODE", .help = "the language of those words"},
    {.name = "evidence", .value = "TEXT|JSON", .help = "where the proof lies, as in {\"call_id\":\"c-17\"}"},
    {.name = "expires", .value = "TIME", .help = "when the consent ends by itself"},
    {.name = "business", .value = "NAME", .help = "the business as it was named to the person"},
    {.name = "policy", .value = "VERSION", .help = "the privacy policy they saw"},
    {.name = "jurisdiction",
     .value = "PLACE",
     .help = "whose law counts: a country, or a part of one, as in DE or US-CA"},
    {0},
};

static const struct option consent_import_options[] = {
    {.name = "format",
     .value = "WORD",
     .help = "csv (any table) or ndjson (default: lines that begin with { are JSON)"},
    {.name = "map", .value = "FIELD=COLUMN", .help = "what the file calls a field, as in who=Mobile", .repeat = true},
    {.name = "errors",
     .value = "FILE",
     .help = "write the rows that failed there, each with its reason, to be repaired and imported"},
    {.name = "region", .value = "XX", .help = "where a number without country code is from, as in DE"},
    {.name = "international", .help = "every number in the file begins with its country code, '+' or not"},
    IMPORT_TABLE_OPTIONS,
    {.name = "act", .value = "WORD", .help = "for rows that say nothing: grant or withdraw"},
    {.name = "scope", .value = "SCOPE", .help = "for rows that say nothing: what these people agreed to"},
    {.name = "at", .value = "TIME", .help = "for rows that say nothing: when"},
    {.name = "expires", .value = "TIME", .help = "for rows that say nothing: when it ends by itself"},
    {.name = "method", .value = "WORD", .help = "for rows that say nothing: how (default: import)"},
    {.name = "source", .value = "TEXT", .help = "for rows that say nothing: the form or shop it came from"},
    {.name = "wording", .value = "TEXT", .help = "for rows that say nothing: the words they agreed to"},
    {.name = "language", .value = "CODE", .help = "for rows that say nothing: the language of those words"},
    {.name = "business", .value = "NAME", .help = "for rows that say nothing: the business as it was named to them"},
    {.name = "policy", .value = "VERSION", .help = "for rows that say nothing: the privacy policy they saw"},
    {.name = "jurisdiction", .value = "PLACE", .help = "for rows that say nothing: whose law, as in DE or US-CA"},
    {0},
};

static const struct option contacts_export_options[] = {
    {.name = "output", .value = "FILE", .help = "write it there, for its owner alone to read", .letter = 'o'},
    {0},
};

static const struct option ledger_checkpoint_options[] = {
    {.name = "key", .help = "print the verifier key and nothing else"},
    {0},
};

static const struct option ledger_export_options[] = {
    {.name = "output", .value = "PATH", .help = "a ZIP, or a folder where PATH ends in '/'", .letter = 'o'},
    {0},
};

static const struct option ledger_verify_options[] = {
    {.name = "offline", .value = "FOLDER", .help = "check this published directory, without a gateway"},
    {.name = "key", .value = "KEY", .help = "the verifier key the checkpoint must be signed with"},
    {0},
};

static const struct option ledger_reopen_options[] = {
    {.name = "reason", .value = "TEXT", .help = "why; kept beside the log that ends"},
    {.name = "set", .value = "KEY=VALUE", .help = "override one setting", .repeat = true},
    {0},
};

static const struct option send_options[] = {
    {.name = "from", .value = "ID", .help = "phone_number_id of the sender"},
    {.name = "to", .value = "WHO", .help = "phone number in any spelling, or user id"},
    {.name = "text", .value = "TEXT", .help = "send this as free-form text"},
    {.name = "template", .value = "NAME", .help = "send this template"},
    {.name = "language", .value = "CODE", .help = "its language, as in en_US"},
    {.name = "param", .value = "TEXT", .help = "the next parameter of its body", .repeat = true},
    {.name = "named", .value = "NAME=TEXT", .help = "a named parameter of its body", .repeat = true},
    {.name = "body", .value = "FILE|-", .help = "send this Graph API body; --from and --to stand in for its own"},
    {.name = "override",
     .value = "RULE",
     .help = "set this rule of your own policy aside, for this message only; with --reason",
     .repeat = true},
    {.name = "reason", .value = "TEXT", .help = "why; kept in wayleave rules history"},
    {.name = "by", .value = "NAME", .help = "who answers for it; kept there too"},
    {.name = "queue", .help = "leave it with the gateway, which sends it when the rules and the number's pace allow"},
    {.name = "at", .value = "TIME", .help = "with --queue: not before then, as in 2026-12-24T18:00:00Z or now+2h"},
    {.name = "expires", .value = "TIME", .help = "with --queue: never after then (default: 7 days after it may leave)"},
    {.name = "idempotency-key",
     .value = "KEY",
     .help = "the same key is the same message: giving the command again sends nothing twice"},
    {.name = "dry-run", .help = "print the request body, send nothing", .letter = 'n'},
    {0},
};

#define MESSAGE_FILTERS                                                                                                \
    {.name = "state", .value = "WORD", .help = "messages of this state, or of several with commas", .repeat = true},   \
        {.name = "contact", .value = "WHO", .help = "to this person: phone number, user id or contact id"},            \
        {.name = "sender", .value = "ID", .help = "from this phone_number_id"},                                        \
        {.name = "campaign", .value = "ID", .help = "of this campaign"},                                               \
        {.name = "category", .value = "WORD", .help = "marketing, utility, authentication, service or calls"},         \
        {.name = "code", .value = "CODE", .help = "whose state rests on this error code of the Graph API"},            \
        {.name = "from", .value = "TIME", .help = "asked for then or later, as in 2026-11-01 or now-2h"},              \
        {.name = "to", .value = "TIME", .help = "asked for before then"},                                              \
    {                                                                                                                  \
        .name = "duplicated", .help = "that the person got more than once"                                             \
    }

static const struct option messages_list_options[] = {
    MESSAGE_FILTERS,
    {.name = "key", .value = "KEY", .help = "the one sent with this idempotency key"},
    {.name = "limit", .value = "N", .help = "at most this many (default 100, at most 1000)"},
    {.name = "before", .value = "ID", .help = "only what is older, as the last line of a page says"},
    {0},
};

#define EVENT_KINDS                                                                                                    \
    "inbound, status, call, echo, preference, number_changed, group, handover, template_status, template_quality, "    \
    "template_category, template_components, template_detected, account, flow, other"

/* What a filter of events has, for lists and for subscribers. */
#define EVENT_FILTERS                                                                                                  \
    {.name = "field", .value = "NAME", .help = "of this webhook field, as in messages", .repeat = true},               \
        {.name = "kind",                                                                                               \
         .value = "KIND",                                                                                              \
         .help = "of this kind, or of several with commas: " EVENT_KINDS,                                              \
         .repeat = true},                                                                                              \
        {.name = "number", .value = "ID", .help = "of this phone_number_id", .repeat = true},                          \
        {.name = "account", .value = "ID", .help = "of this WhatsApp Business account", .repeat = true},               \
    {                                                                                                                  \
        .name = "status", .value = "WORD",                                                                             \
        .help = "statuses of this word, as in failed or read,delivered; without --kind nothing else", .repeat = true   \
    }

#define BODY_FILTERS                                                                                                   \
    {.name = "app", .value = "ID", .help = "signed by this app of yours"},                                             \
        {.name = "problem", .help = "that could not be applied"},                                                      \
    {                                                                                                                  \
        .name = "repeats", .help = "events that had come before"                                                       \
    }

static const struct option webhooks_list_options[] = {
    EVENT_FILTERS,
    BODY_FILTERS,
    {.name = "from", .value = "TIME", .help = "stored then or later, as in 2026-11-01 or now-2h"},
    {.name = "to", .value = "TIME", .help = "stored before then"},
    {.name = "limit", .value = "N", .help = "at most this many (default 100, at most 1000000)"},
    {.name = "before", .value = "ID", .help = "only what is older, as the last line says"},
    {0},
};

static const struct option webhooks_tail_options[] = {
    EVENT_FILTERS,
    BODY_FILTERS,
    {.name = "from", .value = "TIME|ID", .help = "begin there, as in now-10m (default: with what comes next)"},
    {0},
};

static const struct option webhooks_show_options[] = {
    {.name = "raw", .help = "print the bytes of the body, as they came, and nothing else"},
    {0},
};

static const struct option replay_options[] = {
    {.name = "subscriber", .value = "NAME", .help = "who gets them again"},
    {.name = "from", .value = "TIME|ID", .help = "webhooks from there on, as in now-2h"},
    {.name = "to", .value = "TIME|ID", .help = "with --from: up to there (default: up to now)"},
    {.name = "dead", .help = "what it did not take, once more"},
    {.name = "stop", .help = "end a replay that is under way"},
    {0},
};

static const struct option contact_erase_options[] = {
    {.name = "yes", .help = "do it: what is erased does not come back"},
    {.name = "now", .help = "the proof of consent, too, before its time; needs --reason"},
    {.name = "reason", .value = "TEXT", .help = "why; kept with the erasure, so without anybody's name"},
    {0},
};

static const struct option erase_options[] = {
    {.name = "yes", .help = "do it: what is erased does not come back"},
    {0},
};

#define SUBSCRIBER_SETTINGS                                                                                            \
    {.name = "secret-file", .value = "FILE", .help = "sign with the secret in this file"},                             \
        {.name = "secret-env",                                                                                         \
         .value = "VARIABLE",                                                                                          \
         .help = "sign with the secret in this variable of the environment"},                                          \
        {.name = "app",                                                                                                \
         .value = "ID",                                                                                                \
         .help = "sign with the secret of this Meta app of yours, whichever app a webhook came from (default: the "    \
                 "first that is configured)"},                                                                         \
        {.name = "form", .value = "FORM", .help = "events: one event a POST (default); bodies: as they came"},         \
        EVENT_FILTERS,                                                                                                 \
    {                                                                                                                  \
        .name = "parallel", .value = "N", .help = "POSTs at a time, 1 to 64 (default 8)"                               \
    }

static const struct option subscriber_add_options[] = {
    SUBSCRIBER_SETTINGS,
    {.name = "from",
     .value = "TIME|ID|start",
     .help = "begin with older webhooks: start is the oldest kept (default: with what comes next)"},
    {.name = "paused", .help = "nothing leaves until it is resumed"},
    {0},
};

static const struct option subscriber_set_options[] = {
    SUBSCRIBER_SETTINGS,
    {.name = "app-secret", .help = "sign with the secret of its Meta app again"},
    {.name = "everything", .help = "no filter any more, but for what is given here"},
    {0},
};

static const struct option welcome_start_options[] = {
    {.name = "from", .value = "ID", .help = "phone_number_id that asks (default: welcome.from)"},
    {.name = "scope", .value = "SCOPE", .help = "what is to be confirmed (default: marketing)"},
    {.name = "template",
     .value = "NAME",
     .help = "asks where the window is closed (default: welcome.template, unless --text is given)"},
    {.name = "language", .value = "CODE", .help = "of the template or the text"},
    {.name = "buttons", .help = "the template has two quick replies, yes first"},
    {.name = "text", .value = "TEXT", .help = "asks inside an open window"},
    {.name = "wording", .value = "TEXT", .help = "what the template says, kept with the consent"},
    {.name = "first-method", .value = "WORD", .help = "how they opted in before, as in web_form: recorded first"},
    {.name = "first-source", .value = "TEXT", .help = "where"},
    {.name = "first-scope", .value = "SCOPE", .help = "to what (default: utility, which lets the question be asked)"},
    {.name = "reconfirm", .help = "they agreed long ago: the answer is recorded as said again"},
    {.name = "on-silence", .value = "WORD", .help = "nothing (default), or withdraw: no answer takes the consent away"},
    {.name = "reminders", .value = "N", .help = "how often they are reminded, 0 to 3 (default: welcome.reminders)"},
    {.name = "remind-after", .value = "SPAN", .help = "as in 3d"},
    {.name = "expires-after", .value = "SPAN", .help = "as in 14d"},
    {0},
};

static const struct option welcomes_list_options[] = {
    {.name = "state", .value = "WORD", .help = "open, done, declined, expired, refused, failed or cancelled"},
    {.name = "kind",
     .value = "WORD",
     .help = "welcome (default), or what the gateway said by itself: stopped, started, help; or all"},
    {.name = "contact", .value = "WHO", .help = "of this person"},
    {.name = "before", .value = "ID", .help = "only older ones, as the last line of a page says"},
    {.name = "limit", .value = "N", .help = "at most this many (default 100, at most 1000)"},
    {0},
};

static const struct option notices_options[] = {
    {.name = "account", .value = "ID", .help = "about this account"},
    {.name = "number", .value = "ID", .help = "about this phone_number_id"},
    {.name = "field", .value = "NAME", .help = "of this webhook field, as in account_update"},
    {.name = "before", .value = "TIME", .help = "only what is older, as the last line of a page says"},
    {.name = "limit", .value = "N", .help = "at most this many (default 100, at most 1000)"},
    {0},
};

static const struct option templates_list_options[] = {
    {.name = "account", .value = "ID", .help = "of this account"},
    {.name = "status", .value = "WORD", .help = "approved, pending, rejected, paused, disabled, ..."},
    {.name = "name", .value = "TEXT", .help = "with this in the name"},
    {0},
};

static const struct option templates_show_options[] = {
    {.name = "language", .value = "CODE", .help = "in this language, as in en_US"},
    {.name = "account", .value = "ID", .help = "of this account"},
    {0},
};

static const struct option cancel_options[] = {
    {.name = "key", .value = "KEY", .help = "the one sent with this idempotency key"},
    {0},
};

static const struct option messages_export_options[] = {
    MESSAGE_FILTERS,
    {.name = "csv", .help = "a table with commas and a line of names; otherwise each message is a line of JSON"},
    {0},
};

static const struct option resume_options[] = {
    {.name = "by", .value = "NAME", .help = "who says so; kept in the gateway's log"},
    {0},
};

static const struct option history_options[] = {
    {.name = "overrides", .help = "show what was set aside for single messages instead"},
    {.name = "before", .value = "EVENT", .help = "only what is older, as the last line of a page says"},
    {0},
};

static const struct option rules_options[] = {
    {.name = "at", .value = "TIME", .help = "as of this moment (default: now)"},
    {0},
};

static const struct option lint_options[] = {
    {.name = "at", .value = "TIME", .help = "as of this moment (default: now)"},
    {.name = "strict", .help = "warnings are failures: exit status 1"},
    {0},
};

static const struct option optout_options[] = {
    {.name = "lang", .value = "LANGUAGE", .help = "of the person, or of the entries to be listed (en, pt_BR)"},
    {0},
};

static const struct option decide_options[] = {
    {.name = "facts", .value = "FILE|-", .help = "JSON with the facts: one object, or any number, one after the other"},
    {.name = "rules",
     .value = "FILE",
     .help = "decide by this rule file (default: the platform's set)",
     .repeat = true},
    {.name = "laws", .value = "LIST", .help = "and by these shipped laws, as in co,fr"},
    {.name = "at", .value = "TIME", .help = "as if it were this moment (default: now)"},
    {.name = "expires", .value = "TIME", .help = "when the message is worthless, as in now+2h (default: never)"},
    {0},
};

static const struct option backtest_options[] = {
    {.name = "with", .value = "FILE[,FILE]", .help = "the rules to try; without the platform's among them, a policy"},
    {.name = "from", .value = "TIME", .help = "decisions from then on, as in 2026-11-01 or now-30d (default: all)"},
    {.name = "to", .value = "TIME", .help = "decisions before then (default: all)"},
    {.name = "stateful", .help = "caps and rates follow what these rules would have decided"},
    {.name = "format", .value = "FORMAT", .help = "table (default), json (a line a row) or csv"},
    {.name = "state-dir", .value = "DIR", .help = "the gateway's state directory (default: the configuration's)"},
    {0},
};

static const struct option help_options[] = {
    {.name = "man", .help = "print the generated part of wayleave(1)"},
    {.name = "man-config", .help = "print the generated part of wayleave.conf(5)"},
    {.name = "markdown-config", .help = "print the table in docs/configuration.md"},
    {.name = "markdown-facts", .help = "print the table in docs/facts.md"},
    {0},
};

const struct command commands[] = {
    {"serve", "", "run the gateway",
     "Reads the configuration, listens, and works until SIGTERM or SIGINT. Started without any "
     "configuration it listens on 127.0.0.1:8080, keeps its database in ./wayleave-data and passes to Meta what the "
     "rules allow.",
     serve_options, COMMON_CONFIG | COMMON_QUIET, 0, 0, serve_run},
    {"sandbox", "", "run an imitation of the Cloud API on this machine",
     "Answers like Meta's Graph API, keeps what it accepts in memory and posts signed webhooks. Nothing it accepts is "
     "delivered "
     "to anybody.\n\n    wayleave sandbox &\n    wayleave serve --set upstream.url=http://127.0.0.1:9090",
     sandbox_options, COMMON_QUIET, 0, 0, sandbox_run},
    {"check-config", "", "show the merged configuration and whether it would start",
     "Prints every setting with the place its value comes from, and all mistakes at once. Secrets are never printed. "
     "The rule set is "
     "loaded and proven too.",
     check_options, COMMON_CONFIG | COMMON_JSON | COMMON_QUIET, 0, 0, check_config_run},
    {"doctor", "", "look at everything between Meta and this gateway, and say what to do about it",
     "Looks at the configuration, the disk and the database, the gateway itself, the way to Meta and the clock, each "
     "number with its token, who is subscribed to each account, and whether Meta's webhooks would arrive: it does "
     "Meta's "
     "handshake, here and from outside when public_url is set, and posts an empty webhook with a right and with a "
     "wrong "
     "signature. Works whether the gateway runs or not, on the gateway's machine and as its user. Nothing is changed, "
     "and "
     "no secret is printed.\n\n"
     "Each line is ok, warn, fail or skip (not looked at); what is not in order says what to do. With --quiet only "
     "that is "
     "shown. Exit status 1 when something fails.",
     NULL, COMMON_CONFIG | COMMON_JSON | COMMON_QUIET, 0, 0, doctor_cmd_run},
    {"status", "", "show whether the gateway is up and what it knows", NULL, NULL, COMMON_CLIENT | COMMON_QUIET, 0, 0,
     status_run},
    {"contacts erase", "WHO",
     "erase a person: everything but the proof of consent at once, the proof when its time is over",
     "WHO is a phone number in any spelling, a user id, or a contact id. Messages that wait for them are taken back, "
     "one that "
     "is on its way is waited for, and nothing is sent to them of our own accord any more. How long the proof is kept, "
     "and "
     "because of which law, is said before (--dry-run) and after. Somebody of whom there is no consent to prove is "
     "erased at "
     "once and whole. What stays of them is a hash, by which an old list does not bring them back.\n\n"
     "    wayleave contacts erase +15550001111 --dry-run\n"
     "    wayleave contacts erase +15550001111 --yes\n"
     "    wayleave contacts erase +15550001111 --now --reason \"letter of 3 May\" --yes",
     contact_erase_options, COMMON_CLIENT | COMMON_QUIET | COMMON_DRY_RUN, 1, 1, contacts_erase},
    {"contacts erasures", "", "list who was erased, and what is kept until when", "The newest 200. Nobody is named.",
     NULL, COMMON_CLIENT, 0, 0, contacts_erasures},
    {"contacts show", "WHO", "show one person: names, consent, windows, messages",
     "WHO is a phone number in any spelling, a user id, or a contact id.", NULL, COMMON_CLIENT, 1, 1, contacts_show},
    {"contacts link", "WHO", "make a link to a person's own preference page",
     "Whoever opens it sees what the person agreed to and can change it. Send it to them alone; it needs public_url. "
     "Without --days it is good for preferences.keep.",
     link_options, COMMON_CLIENT, 1, 1, contacts_link},
    {"contacts export", "WHO", "write everything that is held on one person, as one JSON object",
     "For the person themselves: names, attributes, consent with wordings, evidence and places in the ledger, messages "
     "with the decisions about them, webhooks about them, and what is still owed to them. Nothing of anybody else is "
     "in "
     "it: where a webhook of somebody else names them, only that is said.",
     contacts_export_options, COMMON_CONFIG | COMMON_SERVER, 1, 1, contacts_export},
    {"consent grant", "WHO", "record that a person agreed",
     "Say how you know: --method, --source, --wording, --evidence are what "
     "proves it later.",
     consent_options, COMMON_CLIENT | COMMON_QUIET | COMMON_DRY_RUN, 1, 1, consent_grant},
    {"consent withdraw", "WHO", "record that a person does not want this any more",
     "In force at once. It never blocks what the person writes to you.", consent_options,
     COMMON_CLIENT | COMMON_QUIET | COMMON_DRY_RUN, 1, 1, consent_withdraw},
    {"consent show", "WHO", "show a person's consent, what decides, and its whole history",
     "For each category what stands, which event decides and what stands against it; then every event with its rank, "
     "the "
     "wording, the evidence, its place in the ledger and whether a signed checkpoint holds it.",
     NULL, COMMON_CLIENT, 1, 1, consent_show},
    {"consent wordings", "[SHA256]", "list the wordings people were shown, or show one of them",
     "Each is kept once, with how many events rest on it. Its SHA-256 may stand for it wherever a wording "
     "is "
     "given.",
     NULL, COMMON_CLIENT, 0, 1, consent_wordings},
    {"consent import", "FILE|-", "take in consent events from a CSV file or lines of JSON",
     "Fields are named as in POST /wayleave/v1/consent: who, act, scope, at, expires, method, source, wording, "
     "wording_sha256, language, evidence, business, policy, jurisdiction. In CSV the first line names the columns, in "
     "any "
     "order; phone and user_id are who. --map says what the file calls a field; options stand in for what rows do not "
     "say.\n\n"
     "A grant must say when it was given. A withdrawal is taken as long as the row says who it is. The file's name, "
     "its "
     "SHA-256 and the row's line become part of each row's evidence.\n\n"
     "Every row is counted: recorded, known (nothing new), failed. One that fails stops none of the others. Importing "
     "the "
     "same file again records nothing. Exit status 4 when rows failed.",
     consent_import_options, COMMON_CLIENT | COMMON_QUIET | COMMON_DRY_RUN | COMMON_PHONE, 1, 1, consent_import},
    {"send", "", "send one message, by the rules",
     "A refusal is shown with every reason, its source and what would change it; exit status 3, or 75 when waiting is "
     "enough. Exit status 5: no answer came, and it may have been sent.\n\n"
     "    wayleave send --from 111 --to +15550001234 --text \"Your parcel is here\"\n"
     "    wayleave send --from 111 --to +15550001234 --template order_ready --language en_US --param Ada\n"
     "    wayleave send --from 111 --body message.json\n\n"
     "With --queue the gateway keeps the message and answers for it; wayleave messages show says what became of it. "
     "With --idempotency-key a command whose answer was lost may be given again.\n\n"
     "    wayleave send --from 111 --to +15550001234 --text \"See you at noon\" --queue --at now+2h --expires "
     "now+4h\n\n"
     "--body takes what a client would post to the Graph API, so any kind of message can be sent. --override wants the "
     "id "
     "of a rule of your own policy; rules of the platform or of a law cannot be set aside.",
     send_options, COMMON_CLIENT | COMMON_QUIET, 0, 0, send_run},
    {"messages list", "", "list messages, newest first: what became of them",
     "States: waiting, sending, ambiguous, accepted, held, sent, delivered, read, played, failed, rejected, refused, "
     "unsent, "
     "expired, undetermined, cancelled. The state shown is the last word about a message: one that was read is not "
     "listed as delivered.\n\n"
     "    wayleave messages list --state waiting,ambiguous\n"
     "    wayleave messages list --contact +15550001234 --from now-7d",
     messages_list_options, COMMON_CLIENT | COMMON_QUIET, 0, 0, messages_list_run},
    {"messages show", "ID", "say what became of one message, and why it waits",
     "ID is the message id the gateway gave (mt...), or Meta's (wamid...) of a recent message. Says what the state "
     "means, why a message waits and until when, what happened to it, and what to do next.",
     NULL, COMMON_CLIENT, 1, 1, messages_show_run},
    {"messages export", "", "print all messages, or those that are asked for, for another program",
     "Newest first, a page at a time, in constant memory. Each message is a line of JSON; --csv makes a table. Exit "
     "status "
     "4 when it broke off after some were printed.\n\n"
     "    wayleave messages export --state failed,rejected --from 2026-11-01 --csv > failed.csv",
     messages_export_options, COMMON_CLIENT | COMMON_QUIET, 0, 0, messages_export_run},
    {"messages cancel", "[ID...]", "take back messages that wait",
     "Only a message that waits can be taken back; one that waits after an attempt without an answer then ends as "
     "undetermined. Of several, exit status 4 says that some could not be.",
     cancel_options, COMMON_CLIENT | COMMON_QUIET, 0, ARGS_WORDS, messages_cancel_run},
    {"numbers list", "", "list our phone numbers: status, quality, health, limits, what waits", NULL, NULL,
     COMMON_CLIENT, 0, 0, numbers_list_run},
    {"numbers show", "ID", "show one number: what Meta says of it, since when, and what to do",
     "ID is its phone_number_id. Each word of Meta's stands with its time and its meaning; the restrictions of its "
     "account "
     "and the last notices follow.",
     NULL, COMMON_CLIENT, 1, 1, numbers_show_run},
    {"numbers resume", "ID", "let a number that was stopped go on",
     "ID is its phone_number_id. Ends what stops its outbox: a code of Meta's about the number, attempts without an "
     "answer, a token that was not accepted. Its token_file is read again. If Meta says the same again it stops anew. "
     "Fails when nothing had stopped it; wayleave status says what does.\n\n"
     "    wayleave numbers resume 111 --by \"Ada, night shift\"",
     resume_options, COMMON_CLIENT | COMMON_QUIET, 1, 1, numbers_resume_run},
    {"accounts list", "", "list WhatsApp Business accounts: state, health, limit, restrictions", NULL, NULL,
     COMMON_CLIENT, 0, 0, accounts_list_run},
    {"accounts show", "ID", "show one account: what Meta says of it, since when, and what that means",
     "Restrictions with their ends, the portfolio's limit on people a day and how much of it is used, reviews and "
     "violations, templates by status, and the last notices.",
     NULL, COMMON_CLIENT, 1, 1, accounts_show_run},
    {"accounts notices", "", "list what Meta told of accounts, numbers, templates and flows",
     "Newest first, word for word (--json). Nothing of a person is among them; that stands in the webhooks.",
     notices_options, COMMON_CLIENT | COMMON_QUIET, 0, 0, accounts_notices_run},
    {"templates list", "", "list templates: status, category, quality, and why one was rejected or paused",
     "A category that Meta announced for later stands behind the word becomes, with its day.\n\n"
     "    wayleave templates list --status rejected",
     templates_list_options, COMMON_CLIENT, 0, 0, templates_list_run},
    {"templates show", "NAME", "show one template: what Meta says of it, what that means, its components", NULL,
     templates_show_options, COMMON_CLIENT, 1, 1, templates_show_run},
    {"templates sync", "[ACCOUNT]", "have templates, numbers and limits read from Meta again",
     "It is asked for and not waited for. Without ACCOUNT: of every account that has a number with a token here.", NULL,
     COMMON_CLIENT | COMMON_QUIET, 0, 1, templates_sync_run},
    {"webhooks list", "", "list the webhooks that came, newest first, with their events",
     "People are named by contact id. A filter that matches little looks far back, page after page; --from ends it.\n\n"
     "    wayleave webhooks list --kind status --status failed --from now-1d\n"
     "    wayleave webhooks list --problem",
     webhooks_list_options, COMMON_CLIENT | COMMON_QUIET, 0, 0, webhooks_list_run},
    {"webhooks show", "ID", "show one webhook: its events, who had it, and its body",
     "This prints what people wrote, and their numbers. With --raw the body comes out byte for byte, as it was signed.",
     webhooks_show_options, COMMON_CLIENT, 1, 1, webhooks_show_run},
    {"webhooks tail", "", "follow webhooks as they come, one line an event",
     "Time, kind, number, what. Goes on until it is interrupted, which is exit status 0; a gateway that is restarted "
     "is "
     "waited for, and nothing is left out. With --json each event is a line of JSON.\n\n"
     "    wayleave webhooks tail --number 111 --kind inbound",
     webhooks_tail_options, COMMON_CLIENT, 0, 0, webhooks_tail_run},
    {"webhooks replay", "--subscriber NAME [ID...]", "hand old webhooks to a subscriber again",
     "Say which: from a time or a webhook on, what it did not take (--dead), or single webhooks by their ids. What "
     "comes "
     "in meanwhile goes first. The subscriber's filter holds, and each event has the Wayleave-Event-Id it had.\n\n"
     "    wayleave webhooks replay --subscriber crm --from now-2h\n"
     "    wayleave webhooks replay --subscriber crm --dead",
     replay_options, COMMON_CLIENT | COMMON_QUIET, 0, ARGS_WORDS, webhooks_replay_run},
    {"webhooks erase", "WHO", "take one person's data out of the webhooks that are kept",
     "WHO is a phone number in any spelling, a user id, or a contact id. Events of this person go; what the same "
     "webhooks say of others stays. Consent, decisions and messages are not touched.",
     erase_options, COMMON_CLIENT | COMMON_QUIET, 1, 1, webhooks_erase_run},
    {"webhooks fields", "", "list the webhook fields that were heard, how often and when",
     "One that is not documented is one that Meta added since.", NULL, COMMON_CLIENT, 0, 0, webhooks_fields_run},
    {"webhooks subscribers list", "", "list who behind the gateway hears of webhooks, and how far each is", NULL, NULL,
     COMMON_CLIENT, 0, 0, subscribers_list_run},
    {"webhooks subscribers show", "NAME", "show one subscriber: settings, lag, failures", NULL, NULL, COMMON_CLIENT, 1,
     1, subscribers_show_run},
    {"webhooks subscribers add", "NAME URL", "have webhooks posted to one more app",
     "Each event is posted by itself, signed with X-Hub-Signature-256: by the secret of a Meta app of yours, or by one "
     "of its own. The secret is read from a file or the environment, never from the command line. At most 64.\n\n"
     "    wayleave webhooks subscribers add crm https://crm.example.com/whatsapp --field messages\n"
     "    wayleave webhooks subscribers add alerts https://ops.example.com/wa --kind account --kind template_status",
     subscriber_add_options, COMMON_CLIENT | COMMON_QUIET, 2, 2, subscribers_add_run},
    {"webhooks subscribers set", "NAME [URL]", "change a subscriber: only what is given",
     "A list of the filter that is given replaces that list; the others stay.\n\n"
     "    wayleave webhooks subscribers set crm --parallel 16\n"
     "    wayleave webhooks subscribers set crm --everything --status failed",
     subscriber_set_options, COMMON_CLIENT | COMMON_QUIET, 1, 2, subscribers_set_run},
    {"webhooks subscribers remove", "NAME", "post nothing more to a subscriber, and forget it", NULL, NULL,
     COMMON_CLIENT | COMMON_QUIET, 1, 1, subscribers_remove_run},
    {"webhooks subscribers pause", "NAME", "hold back what a subscriber would get",
     "It keeps its place, and gets all of it when it is resumed, as long as webhooks are kept.", NULL,
     COMMON_CLIENT | COMMON_QUIET, 1, 1, subscribers_pause_run},
    {"webhooks subscribers resume", "NAME", "go on where a subscriber was paused", NULL, NULL,
     COMMON_CLIENT | COMMON_QUIET, 1, 1, subscribers_resume_run},
    {"webhooks subscribers test", "NAME", "post one harmless event to a subscriber and say what it answers",
     "Signed like the others, of the field wayleave_test, which no app knows. Exit status 1 when it is not taken.",
     NULL, COMMON_CLIENT | COMMON_QUIET, 1, 1, subscribers_test_run},
    {"webhooks subscribers dead", "NAME", "list what a subscriber did not take, and why", NULL, NULL, COMMON_CLIENT, 1,
     1, subscribers_dead_run},
    {"welcomes start", "WHO", "ask a person to confirm that they want messages",
     "Double opt-in: a question by template, or as text with two buttons while the person's window is open. It is "
     "judged "
     "by the rules like any other message: somebody without any consent cannot be asked by template. A yes is recorded "
     "as a confirmed consent, a no as a withdrawal.\n\n"
     "    wayleave welcomes start +15550001111 --first-method web_form --first-source https://example.com/join\n"
     "    wayleave welcomes start +15550001111 --reconfirm --on-silence withdraw",
     welcome_start_options, COMMON_CLIENT | COMMON_QUIET, 1, 1, welcomes_start_run},
    {"welcomes list", "", "list who is or was asked, and how it ended", NULL, welcomes_list_options, COMMON_CLIENT, 0,
     0, welcomes_list_run},
    {"welcomes show", "ID", "show one question: its messages, its answer, the rule that refused it", NULL, NULL,
     COMMON_CLIENT, 1, 1, welcomes_show_run},
    {"welcomes cancel", "ID", "ask no more", "A message of it that still waits is taken back.", NULL,
     COMMON_CLIENT | COMMON_QUIET, 1, 1, welcomes_cancel_run},
    {"ledger checkpoint", "", "print the ledger's signed checkpoint",
     "Byte for byte as it was signed: name of the log, number of entries, root, signatures. Whoever keeps one can tell "
     "later "
     "whether the log was changed. With --key the key it is signed with is printed instead.",
     ledger_checkpoint_options, COMMON_CLIENT, 0, 0, ledger_checkpoint_run},
    {"ledger prove", "WHO", "check the proofs of what a person said",
     "Each event's record must give the entry in the log, and the entry lead to the signed checkpoint; both are worked "
     "out "
     "here, and a wording must be the one its record names. Exit status 75 while one is not inside a checkpoint "
     "yet.\n\n"
     "A proof is of what is there. Whether something was taken out, as a withdrawal, is found out by `wayleave ledger "
     "verify`.",
     NULL, COMMON_CLIENT, 1, 1, ledger_prove_run},
    {"ledger export", "WHO -o FILE.zip|FOLDER/", "write a pack that proves what a person said, for an auditor",
     "Per event the record, its salt, the entry of the log, the wording that was shown and a proof, with the "
     "checkpoint, the "
     "key and a page that says how to verify all of it without us. The pack names the person. It proves what is in it, "
     "not that nothing was left out: run `wayleave ledger verify` beside it.\n\n"
     "    wayleave ledger export +15550001111 -o pack.zip\n"
     "    wayleave ledger export +15550001111 -o pack/ && consent-verify pack",
     ledger_export_options, COMMON_CONFIG | COMMON_SERVER | COMMON_QUIET, 1, 1, ledger_export_run},
    {"ledger verify", "", "look for anything in the ledger that was changed",
     "Compares records with the log's entries, entries with what was published, erasures with what they left, and "
     "people's "
     "consent with their events. With --offline a published directory alone is checked, without a gateway. Each thing "
     "that "
     "does not fit is a line that names it; exit status 1 then.\n\n"
     "    wayleave ledger verify\n"
     "    wayleave ledger verify --offline /var/lib/wayleave/ledger --key \"$(wayleave ledger checkpoint --key)\"",
     ledger_verify_options, COMMON_CLIENT | COMMON_QUIET, 0, 0, ledger_verify_run},
    {"ledger reopen", "--reason TEXT", "begin a new log, when the database is not the one that was signed",
     "For a database restored from a backup, or a lost ledger.key, with the gateway stopped. Records stay; each gets a "
     "place "
     "in the new log at the next start. The published directory of the old one is kept beside it, with the reason. "
     "Proofs "
     "handed out before stay valid for the old log.",
     ledger_reopen_options, COMMON_CONFIG | COMMON_QUIET, 0, 0, ledger_reopen_run},
    {"explain", "ID", "say why a message was sent, held or refused",
     "ID is the message id the gateway gave (mt...), or Meta's (wamid...) of a recent message. Shows the verdict, each "
     "rule that spoke with the facts it saw, "
     "what would change "
     "it, where the rule is written, and what became of the message.",
     NULL, COMMON_CLIENT, 1, 1, explain_run},
    {"decide", "--facts FILE|-", "decide about facts, here and without a gateway",
     "Reads facts as JSON and says what the rules say, by the same code as the gateway. Nothing is sent, recorded or "
     "asked for. A document is an object of facts, or {\"facts\": {...}, \"at\": TIME, \"expires\": TIME}; what is not "
     "given is unknown. Times are never, now, now-23h, now+5m or 2026-11-21T10:00:00Z.\n\n"
     "    wayleave decide --facts message.json\n"
     "    wayleave decide --facts - --json < many.jsonl > answers.jsonl\n\n"
     "One document: the exit status is 0 for allow, 3 for hold, 4 for deny. Several: each is answered with one line, "
     "and "
     "the exit status is 0 when all could be read.",
     decide_options, COMMON_JSON | COMMON_QUIET, 0, 0, decide_run},
    {"optout test", "TEXT", "say what a text asks for: to stop, to start again, for help, or nothing",
     "Judges TEXT with the opt-out packs of the configuration, by the same code as the gateway: the entry that spoke, "
     "its "
     "words, what is stopped, and what took it back. Put several words in quotes. Of a text longer than 4,096 bytes "
     "the first "
     "and the last so many are read. Nothing is recorded.\n\n"
     "    wayleave optout test \"please take me off your list\"\n"
     "    wayleave optout test \"don't stop texting me\" --json",
     optout_options, COMMON_JSON | COMMON_CONFIG, 1, 1, optout_test},
    {"optout list", "", "list what the opt-out packs look for, entry by entry",
     "(alone) marks what counts only when the message or a sentence says nothing else; docs/opt-out.md explains the "
     "signs in "
     "the others.",
     optout_options, COMMON_JSON | COMMON_CONFIG, 0, 0, optout_list},
#include "cmd/commands_contacts.def"
#include "cmd/commands_phone.def"
#include "cmd/commands_lists.def"
#include "cmd/commands_screen.def"
#include "cmd/commands_campaigns.def"
#include "cmd/commands_segments.def"
    {"facts", "[NAME]", "list what rules can ask about: names, types, words, meaning",
     "These facts are all a decision is made from; a message is described with them for wayleave decide, and a rule "
     "file "
     "asks about them. NAME is the beginning of names, as in recipient.",
     NULL, COMMON_JSON, 0, 1, facts_run},
    {"rules running", "", "show the rules a gateway decides by, and those in its shadow", NULL, NULL,
     COMMON_CLIENT | COMMON_QUIET, 0, 0, rules_running},
    {"rules history", "", "show which rules were activated when, or what was set aside by whom",
     "Activations, and changes of the shadow, newest first. With --overrides the messages for which somebody set a "
     "rule "
     "aside, with the reason.",
     history_options, COMMON_CLIENT | COMMON_QUIET, 0, 0, rules_history},
    {"rules activate", "", "have a gateway read its rule files again",
     "The gateway reads the files its own configuration names, proves them, records the change and decides by them "
     "from "
     "then on. A file with a mistake is named with its line, and the rules that run go on. SIGHUP does the same.",
     NULL, COMMON_CLIENT | COMMON_QUIET, 0, 0, rules_activate_run},
    {"rules list", "[FILE...]", "list the rules of rule files",
     "Without files: the platform's set that came with the program. Files of one book may be named together.",
     rules_options, COMMON_JSON, 0, ARGS_WORDS, rules_list},
    {"rules show", "ID [FILE...]", "show one rule: condition, values by date, sources", NULL, rules_options,
     COMMON_JSON, 1, ARGS_WORDS, rules_show},
    {"rules test", "[FILE...]", "load rule files with all proofs and tests",
     "Exit status 1 when a file is refused; the message names file, line and key.", NULL, COMMON_JSON | COMMON_QUIET, 0,
     ARGS_WORDS, rules_test},
    {"rules lint", "[FILE...]", "test rule files, and warn of what is legal and probably not meant",
     "Warns of citations older than a year, values that begin later, enforced rules of low confidence, rules that can "
     "never speak because a stronger one always refuses first, and texts too long to be read.",
     lint_options, COMMON_JSON | COMMON_QUIET, 0, ARGS_WORDS, rules_lint},
    {"rules diff", "BEFORE AFTER", "prove whether rules become stricter or looser, with an example",
     "BEFORE and AFTER are a rule file, files with commas between them, or what a gateway has: running, shadow, or the "
     "hash of a book it had. Every rule that differs is named. Stricter, "
     "looser and same are proven for every message there can be; looser and incomparable come with a message for which "
     "it is so. What is too large to be proven is called not proven.\n\n"
     "    wayleave rules diff policy-old.yaml policy-new.yaml",
     rules_options, COMMON_CLIENT | COMMON_QUIET, 2, 2, rules_diff},
    {"rules backtest", "--with FILE[,FILE]", "try rules on the messages of the past",
     "Decides every recorded message again, as of its own time, with other rules, and counts what would have changed: "
     "by "
     "category, country, campaign and rule, with examples. Of messages that went out and would have been stopped it "
     "says "
     "what became of them; of those that would have been let through nobody knows.\n\n"
     "Without --stateful the facts are those that were recorded. With it, caps, pair rate and the portfolio's limit "
     "see "
     "what these rules would have sent. Nothing is written, and the gateway may be running.\n\n"
     "    wayleave rules backtest --with policy-new.yaml --from now-30d\n"
     "    wayleave rules backtest --with policy-new.yaml --stateful --format csv > report.csv\n\n"
     "A policy is tried together with the platform's rules and the laws of the configuration. Exit status 4 when a "
     "part of "
     "the log could not be read.",
     backtest_options, COMMON_CONFIG | COMMON_QUIET, 0, 0, rules_backtest},
    {"simulate", "[CAMPAIGN]", "play a campaign on a made-up people, in seconds: how far it gets, what stops it",
     "The scheduler and the monitors are those that run campaigns; the people are a seeded model, as the sandbox has "
     "it. Says beside it "
     "what the "
     "forecast said. With CAMPAIGN (a name or an id) the plan is one a gateway has checked; options given beside it "
     "count "
     "instead. Nothing is sent.\n\n"
     "    wayleave simulate --people 100000 --opt-out 3%\n"
     "    wayleave simulate --people 100000 --bad-source 10%:opt-out=15%,undeliverable=25% --runs 200\n"
     "    wayleave simulate \"Spring sale\" --read 40% --json",
     simulate_options, COMMON_CLIENT | COMMON_QUIET, 0, 1, simulate_run},
    {"completions", "bash", "print shell completions", "    source <(wayleave completions bash)", NULL, 0, 1, 1,
     completions_run},
    {"version", "", "print the version", NULL, NULL, COMMON_JSON, 0, 0, version_run},
    {"help", "[COMMAND]", "say what a command does", NULL, help_options, 0, 0, 3, help_run},
    {0},
};
