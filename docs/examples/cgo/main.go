// SPDX-License-Identifier: BSD-3-Clause

// Treadle from Go by cgo: PKG_CONFIG_PATH=PREFIX/lib/pkgconfig LD_LIBRARY_PATH=PREFIX/lib go run .
package main

/*
#cgo pkg-config: treadle
#include <stdlib.h>
#include <treadle/treadle.h>

// One array; `used` is of the last call that wrote it. Shape, then strides follow.
struct operand {
	struct treadle_array array;
	struct treadle_used used;
};
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

// Made once: there are few operations.
var opAdd, opMatmul, opSum = C.CString("add"), C.CString("matmul"), C.CString("sum")

// Array is a float64 array in C order. It is described once, in memory of C: cgo does not look into that at each
// call, as it does into Go's. The data cannot be collected until release.
type Array struct {
	data []float64
	c    *C.struct_operand
	pin  *runtime.Pinner
}

func zeros(shape ...int64) Array {
	n := int64(1)
	for _, extent := range shape {
		n *= extent
	}
	size := C.size_t(C.sizeof_struct_operand + 8*(2*len(shape)+1))
	a := Array{make([]float64, n), (*C.struct_operand)(C.calloc(1, size)), new(runtime.Pinner)}
	extents := unsafe.Slice((*C.int64_t)(unsafe.Add(unsafe.Pointer(a.c), C.sizeof_struct_operand)), 2*len(shape)+1)
	stride := C.int64_t(8)
	for i := len(shape) - 1; i >= 0; i-- {
		extents[i], extents[len(shape)+i] = C.int64_t(shape[i]), stride
		stride *= extents[i]
	}
	a.pin.Pin(unsafe.SliceData(a.data))
	a.c.array.data = unsafe.Pointer(unsafe.SliceData(a.data))
	a.c.array.shape, a.c.array.strides = &extents[0], &extents[len(shape)]
	a.c.array.ndim, a.c.array.itemsize = C.int32_t(len(shape)), 8
	a.c.array.dtype = C.struct_treadle_dtype{code: C.TREADLE_FLOAT, bits: 64, lanes: 1}
	return a
}

func (a Array) release() {
	a.pin.Unpin()
	C.free(unsafe.Pointer(a.c))
}

func filled(value float64, shape ...int64) Array {
	a := zeros(shape...)
	for i := range a.data {
		a.data[i] = value + float64(i%7)
	}
	return a
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

func binary(op *C.char, x, y, out Array) (string, error) {
	err := checked(func() C.int32_t {
		return C.treadle_binary(op, &x.c.array, &y.c.array, &out.c.array, &out.c.used)
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s on %d", C.GoString(out.c.used.backend), out.c.used.threads), nil
}

func sum(x Array) (float64, error) {
	out := zeros()
	defer out.release()
	err := checked(func() C.int32_t {
		return C.treadle_reduce(opSum, &x.c.array, nil, -1, &out.c.array, nil)
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
	out, product, three := zeros(1000000), zeros(200, 200), zeros(3)
	for _, array := range []Array{x, y, a, out, product, three} {
		defer array.release()
	}
	fmt.Println("the environment chose", must(binary(opAdd, x, y, out)))
	var results [][]float64
	for _, backend := range []string{"serial", "openmp"} {
		must(0, setBackend(backend))
		fmt.Println("add by", must(binary(opAdd, x, y, out)))
		fmt.Println("matmul by", must(binary(opMatmul, a, a, product)))
		total := must(sum(out))
		results = append(results, slices.Concat(out.data, product.data, []float64{total}))
	}
	equal, total := slices.Equal(results[0], results[1]), results[0][len(results[0])-1]
	fmt.Printf("equal %t sum %.0f\n", equal, total)
	_, err := binary(opAdd, x, y, three)
	fmt.Println("error", err)
}
