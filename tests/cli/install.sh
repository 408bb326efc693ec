#!/usr/bin/env bash
# What `cmake --install` installs can be compiled with, linked and run, by pkg-config and by CMake, also after the folder was
# moved; every public header stands alone, in C and in C++; nothing names the folders that thalweg was built from.
#
#   install.sh THALWEG SOURCE_DIR BINARY_DIR
set -euo pipefail
thalweg=$(realpath -- "$1") source_dir=$(realpath -- "$2") build=$(realpath -- "$3")
work=$(realpath -- "$(mktemp -d)")
trap 'rm -rf -- "$work"' EXIT
# shellcheck source=../../launch/env.sh
. "$source_dir/launch/env.sh"
cd -- "$work"
exec </dev/null

fail() { echo "FAILED: $*"; exit 1; }
quietly() { "$@" >log.txt 2>&1 || { cat log.txt; fail "$*"; }; } # print only when it fails
refused() { # WHAT COMMAND...: must fail
    if ( "${@:2}" ) >refused.txt 2>&1; then fail "$1 was accepted"; fi
}
cache() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; } # a variable of the build
mpicc=$(cache MPI_C_COMPILER) mpirun=$(cache MPIEXEC_EXECUTABLE)
if [ ! -x "$mpicc" ] || [ ! -x "$mpirun" ]; then fail "no mpicc or mpirun in $build/CMakeCache.txt"; fi
if grep -qE '^CMAKE_INSTALL_(BIN|LIB|INCLUDE)DIR:[A-Z]+=/' "$build/CMakeCache.txt"; then
    echo "not run: cli/install, for an absolute CMAKE_INSTALL_...DIR would install outside of a folder of the test"
    exit 77
fi
unset DESTDIR
OMPI_CC=$(cache CMAKE_C_COMPILER)
export OMPI_CC MPICH_CC=$OMPI_CC
read -ra build_flags <<<"$(cache CMAKE_C_FLAGS)" # --coverage wants to be linked too
strict=(-std=c17 -Wall -Wextra -Wpedantic -Werror)

# `cmake --install` keeps a list of files in the build folder; who may not write there runs the script below it.
install() { # PREFIX
    if [ -w "$build" ] && { [ ! -e "$build/install_manifest.txt" ] || [ -w "$build/install_manifest.txt" ]; }; then
        quietly cmake --install "$build" --prefix "$1"
    else
        quietly cmake -DCMAKE_INSTALL_PREFIX="$1" -P "$build/src/cmake_install.cmake"
    fi
}

# flags PREFIX OPTION...: what pkg-config says about the thalweg in PREFIX, and of no other
flags() {
    local path=$1/$libdir/pkgconfig
    [ "$(PKG_CONFIG_PATH=$path pkg-config --variable=pcfiledir thalweg)" = "$path" ] || return 1
    PKG_CONFIG_PATH=$path${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH} pkg-config "${@:2}" thalweg
}

compile() { # PREFIX SOURCE OUTPUT FLAG...: by pkg-config
    local said
    said=$(flags "$1" --cflags --libs --static) || return 1
    read -ra said <<<"$said"
    "$mpicc" "${strict[@]}" "${build_flags[@]}" "$2" -o "$3" "${@:4}" "${said[@]}"
}

run() { # PROGRAM
    [ "$(timeout 60 "$mpirun" -n 2 "$1" 2>err.txt)" = "ranks 2 dot 32" ] || { cat err.txt; fail "$1 says something else"; }
}

configure() { # PREFIX VERSION FOLDER: the CMake project
    cmake -S project -B "$3" -DVERSION="$2" -DCMAKE_PREFIX_PATH="$1;$(cache CMAKE_PREFIX_PATH)" -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_C_COMPILER="$OMPI_CC" -DCMAKE_C_FLAGS="${build_flags[*]}" &&
        grep -q "^thalweg_DIR:PATH=$1/" "$3/CMakeCache.txt"
}

names() { # FOLDER FLAG...: files that name the source or the build folder
    local escaped
    escaped=$(printf '%s\n%s\n' "$source_dir" "$build" | sed 's/[][\\.*^$+?(){}|]/\\&/g' | paste -sd'|')
    LC_ALL=C grep -rlE "${@:2}" "(^|-[IL]|[^[:alnum:]_.}/-])($escaped)(/|\$|[^[:alnum:]_.-])" "$1"
}

cat >example.c <<'C'
#include <stdio.h>
#include <thalweg/thalweg.h>

int main(int argc, char **argv)
{
    const double a[] = {1, 2, 3}, b[] = {4, 5, 6};
    tw_comm *comm;
    tw_dataset_start();
    const tw_status status = tw_comm_init(&comm, &argc, &argv);
    if (status) return (int)status;
    if (tw_comm_rank(comm) == 0) printf("ranks %d dot %g\n", tw_comm_size(comm), tw_vec_dot(3, a, b));
    tw_comm_release(comm);
    return 0;
}
C
mkdir project
cp example.c project
cat >project/CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.20)
project(example LANGUAGES C)
find_package(thalweg ${VERSION} REQUIRED)
add_executable(example example.c)
target_link_libraries(example PRIVATE thalweg::thalweg)
add_executable(whole example.c)
target_link_libraries(whole PRIVATE -Wl,--whole-archive thalweg::thalweg -Wl,--no-whole-archive)
CMAKE

# What is there.
prefix=$work/first
install "$prefix"
config=$(find "$prefix" -name thalwegConfig.cmake)
libdir=${config#"$prefix/"} libdir=${libdir%/cmake/thalweg/*}
for file in bin/thalweg include/thalweg/thalweg.h "$libdir"/{libthalweg.a,pkgconfig/thalweg.pc} \
    "$libdir"/cmake/thalweg/thalweg{Config,ConfigVersion,Targets}.cmake; do
    [ -f "$prefix/$file" ] || fail "$file is not installed"
done
for header in "$source_dir"/include/thalweg/*.h; do
    cmp -- "$header" "$prefix/include/thalweg/${header##*/}" || fail "$header is not installed as it is"
done
version=$(sed -n 's/^#define TW_VERSION "\(.*\)"$/\1/p' "$prefix/include/thalweg/version.h")
[ "$(flags "$prefix" --modversion)" = "$version" ] || fail "thalweg.pc has another version than version.h, $version"

# No path of the build; in the binaries only where debugging puts none. The search finds such a path where there is one.
text=()
[[ $(cache CMAKE_BUILD_TYPE) == Release && ${build_flags[*]} != *-g* && ${build_flags[*]} != *coverage* ]] || text=(-I)
if names "$prefix" "${text[@]}"; then fail "these files name $source_dir or $build"; fi
mkdir planted
echo "Libs: -L$build/src -lthalweg" >planted/thalweg.pc
printf 'set(a "%s")\n' "$source_dir" >planted/a.cmake
[ "$(names planted "${text[@]}" | wc -l)" = 2 ] || fail "the search for paths of the build finds none"

# Each header alone, and all of them from C++.
read -ra cflags <<<"$(flags "$prefix" --cflags)"
check_header() { printf '#include <thalweg/%s>\n' "$1" | "$mpicc" "${strict[@]}" "${cflags[@]}" -fsyntax-only -x c -; }
for header in "$prefix"/include/thalweg/*.h; do quietly check_header "${header##*/}"; done
printf '#ifndef THALWEG_VERSION_H\n#error not alone\n#endif\n' >"$prefix/include/thalweg/needy.h"
refused "a header that needs another before it" check_header needy.h
rm "$prefix/include/thalweg/needy.h"
if printf 'int a;\n' | c++ -fsyntax-only -x c++ - 2>/dev/null; then
    { echo '#include <thalweg/thalweg.h>'
      echo 'extern "C" {'
      for header in "$prefix"/include/thalweg/*.h; do echo "#include <thalweg/${header##*/}>"; done
      echo '}'
      echo 'double dot(const double *a) { return tw_vec_dot(3, a, a); }'; } >all.cc
    quietly c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror "${cflags[@]}" -c all.cc -o all.o
    nm all.o | grep -q ' U tw_vec_dot$' || fail "C++ asks for another name than tw_vec_dot"
else
    echo "without a C++ compiler: the headers were not tried in C++"
fi

# By pkg-config; linked whole, so that no function of the library misses its dependencies.
quietly compile "$prefix" example.c by_pkgconfig
run ./by_pkgconfig
quietly compile "$prefix" example.c whole -Wl,--whole-archive "$prefix/$libdir/libthalweg.a" -Wl,--no-whole-archive
run ./whole

# The program in docs/library.md trains what `thalweg train` trains.
sed -n '/^```c$/,/^```$/{/^```/!p}' "$source_dir/docs/library.md" >page.c
cat >run.yaml <<YAML
data: {train: $source_dir/configs/data/breast-cancer.h5, scaling: standardize}
model: {type: logistic, l2: 0.01}
optimizer: {type: lbfgs}
stop: {max_iterations: 20}
reduction: {mode: reproducible}
YAML
quietly compile "$prefix" page.c page
quietly timeout 60 "$thalweg" train run.yaml --out by_thalweg
timeout 60 "$mpirun" -n 2 ./page run.yaml >page.txt 2>err.txt || { cat err.txt; fail "the program of docs/library.md"; }
hash=$(grep -o 'xxh3:[0-9a-f]*' page.txt) || fail "the program of docs/library.md prints no hash"
grep -qF "$hash" by_thalweg/summary.json || fail "the program of docs/library.md trains something else, $hash"
code=0
timeout 60 "$mpirun" -n 2 ./page nowhere.yaml >page.txt 2>err.txt || code=$?
if [ "$code" != 66 ] || ! grep -q nowhere.yaml err.txt; then fail "no configuration: exit $code, $(cat err.txt)"; fi

# The examples of docs/examples, on one rank and on several; as docs/library.md says.
examples=$source_dir/docs/examples
quietly compile "$prefix" "$examples/rosenbrock.c" rosenbrock
quietly compile "$prefix" "$examples/own_loss.c" own_loss
near() { # TOLERANCE NUMBER... = NUMBER...: as many on both sides, each near its own
    awk -v room="$1" 'BEGIN { n = (ARGC - 2) / 2; if (ARGC < 4 || ARGC % 2 || ARGV[n + 1] != "=") exit 1
        for (i = 1; i <= n; i++) { d = ARGV[i] - ARGV[n + 1 + i]; if (!(d <= room + 0 && -d <= room + 0)) exit 1 } }' "${@:2}"
}
near 1e-6 1 2 = 1 2.0000009 || fail "near finds two equal numbers different"
refused "a number that is 2e-6 off" near 1e-6 1 2 = 1 2.000002
refused "a missing number" near 1e-6 1 = 1 2
numbers() { grep -oE -- '-?[0-9]+\.[0-9]{9}' "$1"; }
timeout 60 "$mpirun" -n 2 ./rosenbrock >rosenbrock.txt 2>err.txt || { cat err.txt; fail "docs/examples/rosenbrock.c"; }
grep '^rosenbrock: .*gradient_norm:' rosenbrock.txt >valley.txt || fail "no minimum in $(cat rosenbrock.txt)"
# shellcheck disable=SC2046
near 1e-6 $(numbers valley.txt) = 1 1 || fail "another minimum: $(cat valley.txt)"
grep -q '^x^2 - y^2: .* saddle_point: .*no minimum' rosenbrock.txt || fail "no saddle point in $(cat rosenbrock.txt)"
for ranks in 1 2 3; do
    timeout 60 "$mpirun" -n "$ranks" ./own_loss rows.h5 >own_loss.txt 2>err.txt || { cat err.txt; fail "own_loss on $ranks"; }
    # The optimum by scipy: tests/truth/own_loss.py
    # shellcheck disable=SC2046
    near 1e-7 $(numbers own_loss.txt) = -1.964062166 1.043455069 3.077471708 || fail "another fit: $(cat own_loss.txt)"
    cat own_loss.txt >>all_ranks.txt
done
if [ "$(wc -l <all_ranks.txt)" != 3 ] || [ "$(grep -o 'xxh3:[0-9a-f]*' all_ranks.txt | sort -u | wc -l)" != 1 ]; then
    fail "the fit depends on the number of ranks: $(cat all_ranks.txt)"
fi
code=0
timeout 60 "$mpirun" -n 2 ./own_loss nowhere/rows.h5 >own_loss.txt 2>err.txt || code=$?
if [ "$code" != 73 ] || ! grep -q nowhere err.txt; then fail "no folder to write to: exit $code, $(cat err.txt)"; fi

# By CMake.
quietly configure "$prefix" "$version" by_cmake
quietly cmake --build by_cmake
run by_cmake/example
refused "version 99" configure "$prefix" 99 by_version

# Moved.
moved="$work/second/deeper"
mkdir second
mv "$prefix" "$moved"
refused "the old prefix, by pkg-config" compile "$prefix" example.c by_nothing
refused "the old prefix, by CMake" configure "$prefix" "$version" by_nowhere
quietly compile "$moved" example.c by_moved
run ./by_moved
quietly configure "$moved" "$version" by_cmake_moved
quietly cmake --build by_cmake_moved
run by_cmake_moved/example
# The module file, where it was moved to; sbatch finds the job script by it, and the job script the program.
[ -x "$moved/share/thalweg/train.sbatch" ] || fail "train.sbatch is not installed"
modulecmd=$(find /usr/lib /usr/share/modules /usr/local/Modules -name modulecmd.tcl 2>/dev/null | head -n 1)
loaded() ( # VARIABLE...: their values after the module was loaded
    unset THALWEG THALWEG_LAUNCH MODULEPATH LOADEDMODULES
    eval "$("$modulecmd" bash use "$moved/share/modulefiles" 2>&1)"
    eval "$("$modulecmd" bash load thalweg 2>&1)"
    for name in "$@"; do echo "${!name}"; done
    command -v thalweg
)
if [ -n "$modulecmd" ]; then
    loaded THALWEG THALWEG_LAUNCH LOADEDMODULES >module.txt || fail "the module: $(cat module.txt)"
    printf '%s\n' "$moved"/{bin/thalweg,share/thalweg} "thalweg/$version" "$moved/bin/thalweg" | cmp - module.txt ||
        fail "the module leads elsewhere: $(cat module.txt)"
else
    echo "not run: the module file (Environment Modules are missing; launch/setup --cluster installs them)"
fi
[ "$(timeout 60 "$moved/bin/thalweg" --version)" = "$("$thalweg" --version)" ] || fail "the installed program is another"
echo "installed in $libdir, moved, linked by pkg-config and by CMake: all run"
