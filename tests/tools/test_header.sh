#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# wayleave.h alone is C99 and C++, for gcc and for clang, with every warning on. Argument: the source tree.
set -eu
tree=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo '#include <wayleave.h>' >"$work/alone.c"
echo 'int main(void) { return wl_version() == 0; }' >>"$work/alone.c"
cp "$work/alone.c" "$work/alone.cpp"
tried=0
for compiler in "gcc -x c -std=c99" "clang -x c -std=c99" "gcc -x c -std=c17" "g++ -x c++ -std=c++98" "clang++ -x c++ -std=c++98" \
    "g++ -x c++ -std=c++17" "clang++ -x c++ -std=c++17"; do
    program=${compiler%% *}
    if ! command -v "$program" >/dev/null; then
        echo "SKIPPED $program: not installed"
        continue
    fi
    case $compiler in *c++*) file=alone.cpp more="-Wno-long-long -Wno-variadic-macros" ;; *) file=alone.c more=-Wstrict-prototypes ;; esac
    case $compiler in *c++98) more="$more -Wno-c++11-long-long" ;; esac
    # shellcheck disable=SC2086
    $compiler $more -Wall -Wextra -pedantic -Wconversion -Werror -fsyntax-only -I"$tree/include" "$work/$file"
    tried=$((tried + 1))
done
[ $tried -gt 0 ]
