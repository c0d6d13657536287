// SPDX-License-Identifier: BSD-3-Clause

// Treadle from Go by cgo: PKG_CONFIG_PATH=PREFIX/lib/pkgconfig go run .
package main

/*
#cgo pkg-config: treadle
#include <stdlib.h>
#include <treadle/treadle.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"unsafe"
)

const float64Type = C.TREADLE_TYPE_FLOAT64

// Array is a float64 array in C order.
type Array struct {
	data  []float64
	shape []int64
}

func zeros(shape ...int64) Array {
	n := int64(1)
	for _, extent := range shape {
		n *= extent
	}
	return Array{make([]float64, n), shape}
}

func filled(value float64, shape ...int64) Array {
	a := zeros(shape...)
	for i := range a.data {
		a.data[i] = value + float64(i%7)
	}
	return a
}

// cgo lets Go memory pass as arguments, not inside of structs: hence the flat functions.
func (a Array) dataAt() unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(a.data))
}

func (a Array) shapeAt() *C.int64_t {
	return (*C.int64_t)(unsafe.SliceData(a.shape))
}

func (a Array) ndim() C.int32_t {
	return C.int32_t(len(a.shape))
}

// The sentence is the OS thread's: a goroutine must stay on it until it is read.
func checked(call func() C.int32_t) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if call() != C.TREADLE_OK {
		return errors.New(C.GoString(C.treadle_last_error()))
	}
	return nil
}

func binary(op string, x, y, out Array) (string, error) {
	name := C.CString(op)
	defer C.free(unsafe.Pointer(name))
	var used C.struct_treadle_used
	err := checked(func() C.int32_t {
		return C.treadle_binary_flat(name, x.dataAt(), float64Type, x.ndim(), x.shapeAt(), nil,
			y.dataAt(), float64Type, y.ndim(), y.shapeAt(), nil,
			out.dataAt(), float64Type, out.ndim(), out.shapeAt(), nil, &used)
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s on %d", C.GoString(used.backend), used.threads), nil
}

func sum(x Array) (float64, error) {
	name := C.CString("sum")
	defer C.free(unsafe.Pointer(name))
	out := zeros()
	err := checked(func() C.int32_t {
		return C.treadle_reduce_flat(name, x.dataAt(), float64Type, x.ndim(), x.shapeAt(), nil,
			nil, -1, out.dataAt(), float64Type, 0, nil, nil, nil)
	})
	return out.data[0], err
}

func setBackend(spec string) error {
	name := C.CString(spec)
	defer C.free(unsafe.Pointer(name))
	return checked(func() C.int32_t { return C.treadle_set_backend(name) })
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func main() {
	for i := C.uint32_t(0); i < C.treadle_backend_count(); i++ {
		var info C.struct_treadle_backend_info
		C.treadle_backend_info(i, &info)
		fmt.Printf("found %s %s\n", C.GoString(info.name), C.GoString(info.reason))
	}
	x, y, a := filled(1, 1000000), filled(2, 1000000), filled(0.5, 200, 200)
	out, product := zeros(1000000), zeros(200, 200)
	fmt.Println("the environment chose", must(binary("add", x, y, out)))
	var results [][]float64
	for _, backend := range []string{"serial", "openmp"} {
		must(0, setBackend(backend))
		fmt.Println("add by", must(binary("add", x, y, out)))
		fmt.Println("matmul by", must(binary("matmul", a, a, product)))
		total := must(sum(out))
		results = append(results, slices.Concat(out.data, product.data, []float64{total}))
	}
	equal, total := slices.Equal(results[0], results[1]), results[0][len(results[0])-1]
	fmt.Printf("equal %t sum %.0f\n", equal, total)
	_, err := binary("add", x, y, zeros(3))
	fmt.Println("error", err)
}
