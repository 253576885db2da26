/* SPDX-License-Identifier: Apache-2.0
 * help.c - the table of commands, told to people, to man(1) and to the shell.
 *
 * Nothing is said here about a single command: what there is to say stands in its row. The roff output is the
 * generated part of man/wayleave.1 (tools/gen-docs puts it there and checks that it is still true). */
#include "cmd/command.h"

#include <string.h>

#include "cmd/term.h"

static bool allowed(const struct command *c, const struct option *o)
{
    return o->common == 0 || (o->common & (c->common | COMMON_HELP)) != 0;
}

static void option_line(const struct option *o, FILE *out)
{
    char left[64];
    if (o->letter)
        snprintf(left, sizeof left, "  -%c, --%s%s%s", o->letter, o->name, o->value ? " " : "",
                 o->value ? o->value : "");
    else
        snprintf(left, sizeof left, "      --%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    fputs(left, out);
    if (strlen(left) >= 30)
        fprintf(out, "\n%30s", "");
    else
        fprintf(out, "%*s", 30 - (int)strlen(left), "");
    term_wrap(out, 30, str_of(o->help));
}

static void option_lines(const struct command *c, FILE *out)
{
    for (const struct option *o = c->options; o && o->name; o++)
        option_line(o, out);
    for (const struct option *o = common_options; o->name; o++)
        if (allowed(c, o))
            option_line(o, out);
}

/* Paragraphs are separated by an empty line; each is wrapped. */
static void paragraphs(const char *about, FILE *out)
{
    struct str rest = str_of(about);
    while (rest.n > 0) {
        const char *gap = strstr(rest.p, "\n\n");
        size_t n = gap ? (size_t)(gap - rest.p) : rest.n;
        if (n > 2 && rest.p[0] == ' ') {
            fwrite(rest.p, 1, n, out); /* an example: as it stands */
            fputc('\n', out);
        } else {
            term_wrap(out, 0, (struct str){rest.p, n});
        }
        rest.p += n + (gap ? 2 : 0);
        rest.n -= n + (gap ? 2 : 0);
        if (rest.n > 0)
            fputc('\n', out);
    }
}

void help_command(const struct command *c, FILE *out)
{
    term_printf(out, TONE_BOLD, "wayleave %s", c->name);
    fprintf(out, "%s%s [OPTIONS]\n\n", *c->usage ? " " : "", c->usage);
    term_printf(out, TONE_PLAIN, "%c%s.", c->summary[0] - ('a' - 'A'), c->summary + 1);
    fputs("\n\n", out);
    if (c->about) {
        paragraphs(c->about, out);
        fputc('\n', out);
    }
    term_text(out, TONE_BOLD, STR("Options"));
    fputc('\n', out);
    option_lines(c, out);
}

static void command_line(const struct command *c, FILE *out)
{
    fputs("  ", out);
    term_cell(out, TONE_BOLD, str_of(c->name), 18);
    if (strlen(c->name) > 18)
        fprintf(out, "\n%20s", "");
    fputc(' ', out);
    term_wrap(out, 21, str_of(c->summary));
}

void help_all(const struct command *table, FILE *out)
{
    fputs("wayleave: a gateway for the WhatsApp Business Cloud API that knows the rules\n\n"
          "usage: wayleave COMMAND [WORDS] [OPTIONS]\n\n",
          out);
    for (const struct command *c = table; c->name; c++)
        command_line(c, out);
    fputs("\nwayleave help COMMAND says more. Exit status: 0 done, 1 failed, 2 wrong usage, 3 refused by a rule,\n"
          "4 some rows failed, 5 it may have been sent, 75 try again later. wayleave decide, about one message: 0 "
          "allow, 3 hold, 4 deny.\n",
          out);
}

void help_group(const struct command *table, const char *group, FILE *out)
{
    size_t n = strlen(group);
    for (const struct command *c = table; c->name; c++)
        if (strncmp(c->name, group, n) == 0 && (c->name[n] == ' ' || c->name[n] == '\0'))
            command_line(c, out);
}

/* roff: '-' is a minus, a leading '.' or '\'' would be a request, a backslash starts an escape. */
static void roff(FILE *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        bool starts = i == 0 || s.p[i - 1] == '\n';
        if (starts && (s.p[i] == '.' || s.p[i] == '\''))
            fputs("\\&", out);
        if (s.p[i] == '-')
            fputs("\\-", out);
        else if (s.p[i] == '\\')
            fputs("\\e", out);
        else
            fputc(s.p[i], out);
    }
}

static void roff_option(FILE *out, const struct option *o)
{
    fputs(".TP\n", out);
    if (o->letter)
        fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
    fputs("\\fB\\-\\-", out);
    roff(out, str_of(o->name));
    fputs("\\fR", out);
    if (o->value) {
        fputs(" \\fI", out);
        roff(out, str_of(o->value));
        fputs("\\fR", out);
    }
    fputc('\n', out);
    roff(out, str_of(o->help));
    fputs(".\n", out);
}

static void roff_about(FILE *out, const char *about)
{
    struct str rest = str_of(about);
    while (rest.n > 0) {
        const char *gap = strstr(rest.p, "\n\n");
        size_t n = gap ? (size_t)(gap - rest.p) : rest.n;
        bool example = rest.p[0] == ' ';
        fputs(example ? ".PP\n.nf\n.RS\n" : ".PP\n", out);
        roff(out, (struct str){rest.p, n});
        fputs(example ? "\n.RE\n.fi\n" : "\n", out);
        rest.p += n + (gap ? 2 : 0);
        rest.n -= n + (gap ? 2 : 0);
    }
}

void help_man(const struct command *table, FILE *out)
{
    fputs(".SH COMMANDS\n", out);
    for (const struct command *c = table; c->name; c++) {
        fprintf(out, ".SS \"wayleave ");
        roff(out, str_of(c->name));
        fputs(*c->usage ? " " : "", out);
        roff(out, str_of(c->usage));
        fputs("\"\n", out);
        fputc(c->summary[0] - ('a' - 'A'), out);
        roff(out, str_of(c->summary + 1));
        fputs(".\n", out);
        if (c->about)
            roff_about(out, c->about);
        for (const struct option *o = c->options; o && o->name; o++)
            roff_option(out, o);
    }
    fputs(
        ".SH COMMON OPTIONS\nEach command takes those that mean something to it;\n.B wayleave help\n.I COMMAND\nlists "
        "them.\n",
        out);
    for (const struct option *o = common_options; o->name; o++)
        roff_option(out, o);
}

/* How long the name's first `words` words are; 0: it has no word after them. */
static size_t head_of(const char *name, size_t words)
{
    const char *at = name;
    for (; words > 0 && at != NULL; words--) {
        at = strchr(at, ' ');
        at += at != NULL;
    }
    return at != NULL ? (size_t)(at - name) - 1 : 0;
}

static bool same_head(const char *name, const char *other, size_t n)
{
    return strncmp(name, other, n) == 0 && name[n] == ' ';
}

/* Each word that follows this head, once. */
static void bash_next_words(const struct command *first, size_t n, FILE *out)
{
    const char *gap = "";
    for (const struct command *c = first; c->name; c++) {
        const char *word = c->name + n + 1;
        size_t len = same_head(c->name, first->name, n) ? strcspn(word, " ") : 0;
        bool seen = len == 0;
        for (const struct command *d = first; d < c && !seen; d++)
            seen = same_head(d->name, first->name, n) && strncmp(d->name + n + 1, word, len) == 0 &&
                   strchr(" ", d->name[n + 1 + len]) != NULL;
        if (seen)
            continue;
        fprintf(out, "%s%.*s", gap, (int)len, word);
        gap = " ";
    }
}

/* "contacts) words="import show";;" for every head of so many words that others follow. */
static void bash_words_after(const struct command *table, size_t words, FILE *out)
{
    for (const struct command *c = table; c->name; c++) {
        size_t n = head_of(c->name, words);
        bool seen = n == 0;
        for (const struct command *d = table; d < c && !seen; d++)
            seen = same_head(d->name, c->name, n);
        if (seen)
            continue;
        fprintf(out, words > 1 ? "        \"%.*s\") words=\"" : "        %.*s) words=\"", (int)n, c->name);
        bash_next_words(c, n, out);
        fputs("\";;\n", out);
    }
}

/* "contacts" of one word is followed by anything; the others stand as they are. */
static void bash_options(const struct command *c, FILE *out)
{
    fprintf(out, "        \"%s\"%s) options=\"", c->name, strchr(c->name, ' ') ? "" : "\\ *");
    for (const struct option *o = c->options; o && o->name; o++)
        fprintf(out, "--%s ", o->name);
    for (const struct option *o = common_options; o->name; o++)
        if (allowed(c, o))
            fprintf(out, "--%s%s", o->name, o[1].name ? " " : "");
    fputs("\";;\n", out);
}

static void bash_first_words(const struct command *table, FILE *out)
{
    for (const struct command *c = table; c->name; c++) {
        size_t n = strcspn(c->name, " ");
        bool seen = false;
        for (const struct command *d = table; d < c; d++)
            seen = seen || (strncmp(d->name, c->name, n) == 0 && (d->name[n] == ' ' || d->name[n] == '\0'));
        if (!seen)
            fprintf(out, "%s%.*s", c == table ? "" : " ", (int)n, c->name);
    }
}

void help_bash(const struct command *table, FILE *out)
{
    fputs("# bash completion for wayleave; made by: wayleave completions bash\n"
          "_wayleave()\n{\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} one=${COMP_WORDS[1]} "
          "two=${COMP_WORDS[2]} three=${COMP_WORDS[3]}\n"
          "    local words=\"\" options=\"\" name=\"$one $two\"\n    COMPREPLY=()\n"
          "    case $prev in\n        --config|--key-file|--secret-file|--errors|--body) COMPREPLY=($(compgen -f -- "
          "\"$cur\")); return;;\n    esac\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        words=\"",
          out);
    bash_first_words(table, out);
    fputs("\"\n    elif [ \"$COMP_CWORD\" -eq 2 ]; then\n        case $one in\n", out);
    bash_words_after(table, 1, out);
    fputs("        esac\n    elif [ \"$COMP_CWORD\" -eq 3 ]; then\n        case $name in\n", out);
    bash_words_after(table, 2, out);
    fputs("        esac\n    fi\n    case $name in\n", out);
    for (const struct command *c = table; c->name; c++) {
        size_t n = head_of(c->name, 2);
        bool seen = n == 0;
        for (const struct command *d = table; d < c && !seen; d++)
            seen = same_head(d->name, c->name, n);
        if (!seen)
            fprintf(out, "        \"%.*s\") name=\"$name $three\";;\n", (int)n, c->name);
    }
    fputs("    esac\n    case $name in\n", out);
    for (const struct command *c = table; c->name; c++)
        bash_options(c, out);
    fputs("    esac\n"
          "    case $cur in\n        -*) COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"));;\n"
          "        *) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
          "           [ ${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- \"$cur\"));;\n    esac\n}\n"
          "complete -o filenames -F _wayleave wayleave\n",
          out);
}
