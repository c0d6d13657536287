#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# run_example.sh LANGUAGE LIBTREADLE TREADLE_CDEF EXAMPLES ROOT: the example of that language, with two values of
# TREADLE_BACKEND; its output must say who ran, that the backends agree, and why a wrong call was refused.
language=$1 cdef=$3 examples=$4 root=$5
TREADLE_LIBRARY=$(realpath "$2")
export TREADLE_LIBRARY
cdef=$(realpath "$cdef")
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
missing() {
    echo "no $1 on this machine"
    exit 77
}
need() {
    command -v "$1" > /dev/null || missing "$1"
}

# compile_shared SOURCE TO FLAG...: a module in C for another language's interpreter.
compile_shared() {
    source=$1 to=$2
    shift 2
    cc -std=gnu11 -O1 -Wall -Wextra -Werror -shared -fPIC "$@" -I"$root/abi" -I"$root/host/include" "$source" \
        "$TREADLE_LIBRARY" -Wl,-rpath,"$(dirname "$TREADLE_LIBRARY")" -o "$to" || exit 1
}

case $language in
    cgo | purego)
        need go
        printf '%s\n' go1.22 "$(go env GOVERSION)" | sort -VC || missing "Go 1.22"
        cp "$examples/$language"/* "$folder"
        library=$(dirname "$TREADLE_LIBRARY")
        # What pkg-config says of an installation.
        printf 'Name: treadle\nDescription: here\nVersion: 0\nLibs: -L%s -ltreadle -Wl,-rpath,%s\nCflags: -I%s -I%s\n' \
            "$library" "$library" "$root/abi" "$root/host/include" > "$folder/treadle.pc"
        cd "$folder" || exit 1
        export PKG_CONFIG_PATH="$folder"
        if [ "$language" = purego ]; then
            export CGO_ENABLED=0
        fi
        go vet -unsafeptr=false . && go build -o hello . || exit 1
        set -- ./hello
        ;;
    java)
        need javac
        jna=/usr/share/java/jna.jar
        [ -f $jna ] || missing JNA
        javac -Xlint:all -Werror -cp $jna -d "$folder" "$examples/Hello.java" || exit 1
        set -- java -cp "$jna:$folder" Hello
        ;;
    jni)
        need javac
        home=$(dirname "$(dirname "$(realpath "$(command -v javac)")")")
        compile_shared "$examples/hello_jni.c" "$folder/libhello_jni.so" -I"$home/include" -I"$home/include/linux"
        javac -Xlint:all -Werror -d "$folder" "$examples/HelloJni.java" || exit 1
        set -- java -Xcheck:jni -Djava.library.path="$folder" -cp "$folder" HelloJni
        ;;
    ctypes)
        set -- python3 -bb -W error "$examples/hello_ctypes.py"
        ;;
    csharp)
        need mcs
        mcs -unsafe -warnaserror+ -out:"$folder/Hello.exe" "$examples/Hello.cs" || exit 1
        LD_LIBRARY_PATH=$(dirname "$TREADLE_LIBRARY")
        export LD_LIBRARY_PATH
        set -- mono "$folder/Hello.exe"
        ;;
    dotnet)
        need mcs
        # Microsoft's .NET Core 3.1 as a wheel; there is no compiler in it.
        python3 -m pip install --quiet --disable-pip-version-check --no-deps --target "$folder/dotnet" dotnetcore2==3.1.23 ||
            exit 1
        mcs -unsafe -warnaserror+ -out:"$folder/Hello.exe" "$examples/Hello.cs" || exit 1
        echo '{"runtimeOptions": {"framework": {"name": "Microsoft.NETCore.App", "version": "3.1.0"}}}' \
            > "$folder/Hello.runtimeconfig.json"
        dotnet=$folder/dotnet/dotnetcore2/bin/dotnet
        chmod +x "$dotnet"
        LD_LIBRARY_PATH=$(dirname "$TREADLE_LIBRARY")
        export LD_LIBRARY_PATH DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
        set -- "$dotnet" exec "$folder/Hello.exe"
        ;;
    guile)
        need guile
        set -- guile --no-auto-compile "$examples/hello.scm"
        ;;
    julia)
        need julia
        set -- julia --startup-file=no "$examples/hello.jl"
        ;;
    lua)
        need lua5.4
        compile_shared "$examples/hello_lua.c" "$folder/hello_lua.so" -I/usr/include/lua5.4
        export LUA_CPATH="$folder/?.so"
        set -- lua5.4 "$examples/hello.lua"
        ;;
    ocaml)
        need ocamlfind
        cp "$examples/hello.ml" "$folder"
        (cd "$folder" && ocamlfind ocamlopt -w +a-4-9-40-41-42-44-45-70 -warn-error +a -thread \
            -package ctypes.foreign,threads.posix -linkpkg hello.ml -o hello) || exit 1
        set -- "$folder/hello"
        ;;
    octave)
        need octave
        need mkoctfile
        library=$(dirname "$TREADLE_LIBRARY")
        (cd "$folder" && mkoctfile --mex -Wall -Wextra -Werror -I"$root/abi" -I"$root/host/include" \
            "$examples/hello_octave.c" -L"$library" -ltreadle "-Wl,-rpath,$library") || exit 1
        set -- octave --no-gui --norc --path "$folder" "$examples/hello.m"
        ;;
    pdl)
        perl -MFFI::Platypus -MPDL -e 1 2> /dev/null || missing "PDL, or FFI::Platypus,"
        set -- perl "$examples/hello_pdl.pl"
        ;;
    sbcl)
        need sbcl
        set -- sbcl --script "$examples/hello.lisp"
        ;;
    ruby)
        need ruby
        set -- ruby -w "$examples/hello.rb"
        ;;
    php)
        need php
        php -m | grep -q '^FFI$' || missing "FFI of PHP"
        set -- php -d ffi.enable=1 "$examples/hello.php" "$cdef" "$TREADLE_LIBRARY"
        ;;
    r)
        need Rscript
        cp "$examples/hello_r.c" "$folder"
        library=$(dirname "$TREADLE_LIBRARY")
        (cd "$folder" && PKG_CPPFLAGS="-I$root/abi -I$root/host/include" \
            PKG_LIBS="-L$library -ltreadle -Wl,-rpath,$library" R CMD SHLIB hello_r.c > log 2>&1) ||
            { cat "$folder/log" >&2; exit 1; }
        set -- Rscript --vanilla "$examples/hello.R" "$folder/hello_r.so"
        ;;
    perl)
        perl -MFFI::Platypus -e 1 2> /dev/null || missing FFI::Platypus
        set -- perl "$examples/hello.pl"
        ;;
esac

status=0
for backend in serial openmp; do
    said=$(TREADLE_BACKEND=$backend "$@" 2>&1) || status=1
    for line in 'found serial ' "the environment chose $backend on [0-9]*" 'add by openmp on [0-9]*' \
        'matmul by serial on 1' 'equal true sum 8999994' "error add: input 1: .*"; do
        echo "$said" | grep -q "^$line" || { echo "no line: $line" >&2; status=1; }
    done
    [ $status = 0 ] || { echo "$said" >&2; exit 1; }
done
echo "$said"
