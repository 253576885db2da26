# SPDX-License-Identifier: Apache-2.0
"""Each repository check is shown a small tree it must accept and bad samples it must refuse with the right file
and line. A check that accepts everything would otherwise look exactly like a clean tree."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
HEAD = "/* SPDX-License-Identifier: Apache-2.0\n * a.c - a sample.\n *\n * It does one thing.\n * Refuses the rest. */\n"

SCHEMA = """
CREATE TABLE contact (bucket bigint NOT NULL, id bigint NOT NULL, ver int, PRIMARY KEY (bucket, id));
CREATE TABLE node (id bigint PRIMARY KEY, beat bigint);
"""


@pytest.fixture
def tree(tmp_path):
    """Writes files into an otherwise empty source root and runs one check on it."""

    class Tree:
        def put(self, name, text, head=True):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text((HEAD.replace("a.c", path.name) if head else "") + text)
            return self

        def run(self, check, *more):
            return subprocess.run([TOOLS / check, "--root", tmp_path, *more], capture_output=True, text=True, timeout=60)

        def accepts(self, check, *more):
            r = self.run(check, *more)
            assert r.returncode == 0, r.stdout + r.stderr
            assert "ok" in r.stdout

        def refuses(self, check, where, words, *more):
            r = self.run(check, *more)
            assert r.returncode == 1, r.stdout + r.stderr
            hits = [l for l in r.stdout.splitlines() if l.startswith(where) and words in l]
            assert hits, f"no line '{where}...{words}' in:\n{r.stdout}{r.stderr}"

    return Tree()


def test_a_clean_tree_passes_every_check(tree):
    tree.put("src/core/a.c", '#include "base/buf.h"\nint a(void);\nint a(void)\n{\n    return 0;\n}\n')
    for check in ("check-layers", "check-essays", "check-banned", "check-size", "lint-sql"):
        tree.accepts(check)


@pytest.mark.parametrize("path, include, words", [
    ("src/core/a.c", '"store/db.h"', "core may not include"),
    ("src/core/a.c", '"net/form.h"', "core may not include"),
    ("src/core/a.c", "<time.h>", "no clock"),
    ("src/base/a.c", '"core/phone.h"', "base may not include"),
    ("src/store/a.c", '"net/form.h"', "store may not include"),
    ("src/net/a.c", '"core/phone.h"', "net may not include"),
    ("src/sandbox/a.c", '"core/decide.h"', "sandbox may not include"),
    ("src/gateway/a.c", '"cmd/config.h"', "gateway may not include"),
    ("src/gateway/a.c", "<sqlite3.h>", "it belongs to store"),
    ("src/gateway/a.c", "<microhttpd.h>", "it belongs to net"),
    ("src/cmd/a.c", '"../net/form.h"', "write it from src"),
])
def test_layers_refuses_upward_includes(tree, path, include, words):
    tree.put(path, f"#include <stdint.h>\n#include {include}\n")
    tree.refuses("check-layers", f"{path}:7:", words)


def test_layers_ignores_includes_in_comments(tree):
    tree.put("src/core/a.c", '/* #include "store/db.h" */\n').accepts("check-layers")


def test_layers_refuses_a_folder_it_does_not_know(tree):
    tree.put("src/helpers/a.c", "int x;\n").refuses("check-layers", "src/helpers/a.c:1:", "in no layer")


@pytest.mark.parametrize("layer, body, words", [
    ("core", "#include <stdio.h>\nvoid f(void);\nvoid f(void) { puts(\"x\"); }\n", "core may not use puts()"),
    ("core", "long time(long *);\nlong f(void);\nlong f(void) { return time(0); }\n", "core may not use time()"),
    ("core", "int clock_now(void);\nint f(void);\nint f(void) { return clock_now(); }\n", "core may not use clock_now()"),
    ("store", "int net_thing(void);\nint f(void);\nint f(void) { return net_thing(); }\n", "needs net_thing() of net"),
])
def test_layers_refuses_symbols(tree, tmp_path, layer, body, words):
    sources = {"base": "int clock_now(void);\nint clock_now(void) { return 1; }\n", "core": "int c(void);\nint c(void) { return 1; }\n",
               "net": "int net_thing(void);\nint net_thing(void) { return 1; }\n", "store": "int s(void);\nint s(void) { return 1; }\n"}
    sources[layer] = body
    for name, text in sources.items():
        folder = tmp_path / "b" / "src" / name
        folder.mkdir(parents=True)
        (folder / "a.c").write_text(text)
        subprocess.run(["gcc", "-O0", "-fno-builtin", "-c", "a.c", "-o", "a.c.o"], cwd=folder, check=True)
        subprocess.run(["ar", "rcs", f"lib{name}.a", "a.c.o"], cwd=folder, check=True)
    tree.refuses("check-layers", f"src/{layer}/a.c:0:", words, "--build", tmp_path / "b")
    sources[layer] = "int ok(void);\nint ok(void) { return 1; }\n"
    (tmp_path / "b" / "src" / layer / "a.c").write_text(sources[layer])
    folder = tmp_path / "b" / "src" / layer
    subprocess.run("gcc -c a.c -o a.c.o && rm lib*.a && ar rcs lib%s.a a.c.o" % layer, cwd=folder, shell=True, check=True)
    tree.accepts("check-layers", "--build", tmp_path / "b")


@pytest.mark.parametrize("text, words", [
    ("int x;\n", "does not open with"),
    ("/* SPDX-License-Identifier: Apache-2.0 */\nint x;\n", "does not open with"),
    ("/* SPDX-License-Identifier: Apache-2.0\n * a.c - one line. */\nint x;\n", "at least 3"),
    ("/* SPDX-License-Identifier: Apache-2.0\n * b.c - copied.\n * From there. */\nint x;\n", "speaks of b.c"),
])
def test_essays_refuses(tree, text, words):
    tree.put("src/core/a.c", text, head=False).refuses("check-essays", "src/core/a.c:", words)


def test_essays_wants_the_licence_in_scripts(tree):
    tree.put("tools/x.py", "print(1)\n", head=False).refuses("check-essays", "tools/x.py:1:", "SPDX")


@pytest.mark.parametrize("path, line, words", [
    ("src/core/a.c", "void f(char *a) { strcpy(a, \"x\"); }", "strcpy() is banned"),
    ("src/gateway/a.c", "int f(void) { return system(\"ls\"); }", "system() is banned"),
    ("src/gateway/a.c", "long f(void) { return time(0); }", "time() does not belong here"),
    ("src/store/a.c", "void f(void) { log_info(\"x\"); }", "log_info() does not belong here"),
    ("src/store/a.c", "void f(void) { printf(\"x\"); }", "printf() does not belong here"),
    ("src/core/a.c", "int x; /* TODO later */", "'TODO' in product code"),
])
def test_banned_refuses(tree, path, line, words):
    tree.put(path, line + "\n").refuses("check-banned", f"{path}:6:", words)


def test_banned_ignores_comments_strings_and_fields(tree):
    tree.put("src/core/a.c", '/* strcpy(a, b) */\nconst char *s = "system(1)";\nint f(struct x *p) { return p->time(1); }\n').accepts("check-banned")


def test_size_refuses_long_and_tangled_functions(tree, tmp_path):
    tangled = "int f(int a);\nint f(int a)\n{\n" + "".join(f"    if (a == {i})\n        return {i};\n" for i in range(16)) + "    return 0;\n}\n"
    tree.put("src/core/a.c", tangled).refuses("check-size", "src/core/a.c:", "complexity 17")
    tree.put("src/core/a.c", "int f(int a);\nint f(int a)\n{\n" + "    a++;\n" * 80 + "    return a;\n}\n").refuses("check-size", "src/core/a.c:", "84 lines")
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "size-allow.txt").write_text("src/core/a.c:f  # a table written out\n")
    tree.accepts("check-size")
    tree.put("src/core/a.c", "int f(void);\nint f(void)\n{\n    return 1;\n}\n").refuses("check-size", "tools/size-allow.txt:1:", "no exception any more")


def test_size_refuses_long_files(tree):
    tree.put("src/core/b.c", "int g(void);\nint g(void)\n{\n    return 1;\n}\n")
    tree.put("src/core/a.h", "\n" * 250).refuses("check-size", "src/core/a.h:", "at most 250")
    tree.put("src/core/a.h", "").put("src/core/a.c", "\n" * 800).refuses("check-size", "src/core/a.c:", "at most 800")


def test_format_refuses_another_layout(tree, tmp_path):
    shutil.copy(TOOLS.parent / ".clang-format", tmp_path)
    tree.put("src/core/a.c", "int f(void)\n{\n    return 1;\n}\n").accepts("check-format")
    tree.put("src/core/a.c", "int f( void ) {\n  return 1; }\n").refuses("check-format", "src/core/a.c:6:", "layout differs")


@pytest.mark.parametrize("sql, words", [
    ("SELECT ver FROM contact WHERE bucket = $2 AND id = $1", "not in order"),
    ("SELECT ver FROM contact WHERE id = $1 LIMIT 1", "does not say bucket"),
    ("UPDATE contact SET ver = $1 WHERE id = $2", "does not say bucket"),
    ("INSERT INTO contact (id, ver) VALUES ($1, $2)", "does not say bucket"),
    ("DELETE FROM contact WHERE id < $1", "does not say bucket"),
    ("SELECT ver FROM contact WHERE bucket = $1", "unbounded"),
    ("SELECT beat FROM node", "unbounded"),
    ("UPDATE node SET beat = now() WHERE id = $1", "times come from C"),
    ("SELECT beat FROM node WHERE id = $1 FOR UPDATE", "no lock clauses"),
    ("SELECT beat FROM node WHERE id = $1 LIMIT 1 FOR UPDATE SKIP LOCKED", "no lock clauses"),
    ("INSERT OR REPLACE INTO node (id, beat) VALUES ($1, $2)", "ON CONFLICT"),
    ("SELECT beat FROM node WHERE id = ?", "parameters are $1"),
    ("SELECT $1::bigint", "CAST"),
    ("SELECT beat FROM nodes WHERE id = $1", "not in the schema"),
    ("SELECT beet FROM node WHERE id = $1", "no such column"),
])
def test_sql_refuses(tree, sql, words):
    tree.put("src/store/schema.sql", SCHEMA, head=False)
    tree.put("src/store/a.c", f'STATEMENT(sample,\n          "{sql}")\n').refuses("lint-sql", "src/store/a.c:6: sample:", words)


@pytest.mark.parametrize("sql", [
    "SELECT ver FROM contact WHERE bucket = $1 AND id = $2",
    "SELECT id FROM contact WHERE bucket = $1 AND id > $2 ORDER BY id LIMIT $3",
    "INSERT INTO contact (bucket, id, ver) VALUES ($1, $2, $3) ON CONFLICT (bucket, id) DO UPDATE SET ver = excluded.ver",
    "UPDATE contact SET ver = $1 WHERE bucket = $2 AND id = $3 AND ver = $4 RETURNING ver",
    "SELECT beat FROM node WHERE id = $1",
    "SELECT id, beat FROM node ORDER BY id LIMIT $1",
])
def test_sql_accepts(tree, sql):
    tree.put("src/store/schema.sql", SCHEMA, head=False)
    tree.put("src/store/a.c", f'STATEMENT(sample,\n          "{sql}")\n').accepts("lint-sql")


def test_sql_refuses_text_and_calls_elsewhere(tree):
    tree.put("src/gateway/a.c", 'const char *q = "SELECT ver "\n    "FROM contact";\n').refuses("lint-sql", "src/gateway/a.c:6:", "SQL outside")
    tree.put("src/gateway/a.c", "").put("src/store/b.c", "int f(void) { return sqlite3_exec(0, 0, 0, 0, 0); }\n").refuses("lint-sql", "src/store/b.c:6:", "belongs to the database driver")


def tally(kind, path):
    r = subprocess.run([TOOLS / "tally", kind, path], capture_output=True, text=True, timeout=30)
    return r.stdout.split()


def test_tally_counts_inside_cmocka_programs(tmp_path):
    report = "[==========] tests: 5 test(s) run.\n[  PASSED  ] 3 test(s).\n[  SKIPPED ] 1 test(s), listed below:\n[  FAILED  ] 1 test(s), listed below:\n"
    rows = [{"result": "FAIL", "stdout": "", "stderr": report}, {"result": "OK", "stdout": "replayed", "stderr": ""}, {"result": "SKIP", "stdout": ""},
            {"result": "TIMEOUT", "stdout": "", "stderr": ""}, {"result": "ERROR", "stderr": report.replace("FAILED  ] 1", "FAILED  ] 0")}]
    log = tmp_path / "log.json"
    log.write_text("".join(json.dumps(r) + "\n" for r in rows))
    assert tally("meson", log) == ["7", "3", "3"]


def test_tally_takes_silence_for_failure(tmp_path):
    (tmp_path / "empty").write_text("")
    for kind in ("meson", "junit", "line"):
        assert tally(kind, tmp_path / "empty") == ["0", "1", "0"]
        assert tally(kind, tmp_path / "absent") == ["0", "1", "0"]
    (tmp_path / "log").write_text("noise\n1 passed, 0 failed, 0 skipped\nx\n4 passed, 1 failed, 2 skipped\n")
    assert tally("line", tmp_path / "log") == ["4", "1", "2"]
