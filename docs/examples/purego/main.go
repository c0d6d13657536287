// SPDX-License-Identifier: BSD-3-Clause

// Treadle from Go without a C compiler: CGO_ENABLED=0 TREADLE_LIBRARY=PREFIX/lib/libtreadle.so.0 go run .
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"unsafe"

	"github.com/ebitengine/purego"
)

const float64Type = 0x14002

// Descriptor is struct treadle_array.
type Descriptor struct {
	data           unsafe.Pointer
	shape, strides *int64
	ndim           int32
	flags          uint32
	dtype          [4]uint8
	itemsize       uint32
	reserved       [3]uint64
}

// Used is struct treadle_used.
type Used struct {
	backend, variant   *byte
	threads, fallbacks uint32
}

// Info is struct treadle_backend_info.
type Info struct {
	name, path, version, vendor, reason *byte
	flags                               uint64
}

var (
	treadleBinary func(op string, x, y, out *Descriptor, used *Used) int32
	treadleReduce func(op string, x *Descriptor, axes *int32, naxes int32, out *Descriptor, used *Used) int32
	lastError     func() string
	setBackend    func(spec string) int32
	backendCount  func() uint32
	backendInfo   func(i uint32, info *Info) int32
)

func load() {
	path := os.Getenv("TREADLE_LIBRARY")
	if path == "" {
		path = "libtreadle.so.0"
	}
	library := must(purego.Dlopen(path, purego.RTLD_NOW))
	for name, function := range map[string]any{
		"treadle_binary": &treadleBinary, "treadle_reduce": &treadleReduce, "treadle_last_error": &lastError,
		"treadle_set_backend": &setBackend, "treadle_backend_count": &backendCount,
		"treadle_backend_info": &backendInfo,
	} {
		purego.RegisterLibFunc(function, library, name)
	}
}

// Array is a float64 array in C order. What a descriptor points to must not move: it is pinned for the call.
type Array struct {
	data           []float64
	shape, strides []int64
}

func zeros(shape ...int64) Array {
	n := int64(1)
	strides := make([]int64, len(shape))
	for axis := len(shape) - 1; axis >= 0; axis-- {
		strides[axis] = 8 * n
		n *= shape[axis]
	}
	return Array{make([]float64, n), shape, strides}
}

func filled(value float64, shape ...int64) Array {
	a := zeros(shape...)
	for i := range a.data {
		a.data[i] = value + float64(i%7)
	}
	return a
}

func (a Array) describe(pinner *runtime.Pinner) *Descriptor {
	d := &Descriptor{data: unsafe.Pointer(unsafe.SliceData(a.data)), ndim: int32(len(a.shape)),
		dtype: [4]uint8{2, 64, 1, 0}, itemsize: 8}
	pinner.Pin(d.data)
	if len(a.shape) > 0 {
		d.shape, d.strides = &a.shape[0], &a.strides[0]
		pinner.Pin(d.shape)
		pinner.Pin(d.strides)
	}
	return d
}

// The sentence is the OS thread's: a goroutine must stay on it until it is read.
func checked(call func(pinner *runtime.Pinner) int32) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var pinner runtime.Pinner
	defer pinner.Unpin()
	if call(&pinner) != 0 {
		return errors.New(lastError())
	}
	return nil
}

func binary(op string, x, y, out Array) (string, error) {
	var used Used
	err := checked(func(p *runtime.Pinner) int32 {
		return treadleBinary(op, x.describe(p), y.describe(p), out.describe(p), &used)
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s on %d", text(used.backend), used.threads), nil
}

func sum(x Array) (float64, error) {
	out := zeros()
	err := checked(func(p *runtime.Pinner) int32 {
		return treadleReduce("sum", x.describe(p), nil, -1, out.describe(p), nil)
	})
	return out.data[0], err
}

func text(letters *byte) string {
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(letters), n)) != 0 {
		n++
	}
	return unsafe.String(letters, n)
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func main() {
	load()
	for i := uint32(0); i < backendCount(); i++ {
		var info Info
		backendInfo(i, &info)
		fmt.Printf("found %s %s\n", text(info.name), text(info.reason))
	}
	x, y, a := filled(1, 1000000), filled(2, 1000000), filled(0.5, 200, 200)
	out, product := zeros(1000000), zeros(200, 200)
	fmt.Println("the environment chose", must(binary("add", x, y, out)))
	var results [][]float64
	for _, backend := range []string{"serial", "openmp"} {
		must(0, checked(func(*runtime.Pinner) int32 { return setBackend(backend) }))
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
