// SPDX-License-Identifier: BSD-3-Clause

// Nanoseconds of one tiny call by docs/examples/cgo, whose main.go is the rest of this package.
package main

/*
#cgo pkg-config: treadle
#include <treadle/treadle.h>
*/
import "C"

import (
	"fmt"
	"os"
	"time"
)

const calls = 300000

func init() { // before main, which is the example's
	x, y, out := filled(1, 8), filled(2, 8), zeros(8)
	add := func() C.int32_t {
		return C.treadle_binary(opAdd, &x.c.array, &y.c.array, &out.c.array, &out.c.used)
	}
	status := add()
	start := time.Now()
	for i := 0; i < calls; i++ {
		status |= add()
	}
	fmt.Println(float64(time.Since(start).Nanoseconds()) / calls)
	if status != C.TREADLE_OK || out.data[7] != x.data[7]+y.data[7] {
		os.Exit(1)
	}
	os.Exit(0)
}
