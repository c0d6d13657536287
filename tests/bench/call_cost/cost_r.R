# SPDX-License-Identifier: BSD-3-Clause
# Nanoseconds of one tiny call by .Call and docs/examples/hello_r.c: Rscript cost_r.R hello_r.so
calls <- 300000
example <- dyn.load(commandArgs(trailingOnly = TRUE)[1])
add <- getNativeSymbolInfo("treadle_r_binary", example)$address # looked up once
x <- c(0, 1, 2, 3, 4, 5, 6, 7)
out <- x + 0
# Local variables, as elsewhere: to read one from outside the function takes R some 15 ns each time.
repeated <- function(n) {
  add <- add
  x <- x
  out <- out
  for (i in seq_len(n)) .Call(add, "add", x, x, out)
}
repeated(10000) # until the compiler has been here
stopifnot(identical(out, x + x))
spent <- system.time(repeated(calls), gcFirst = TRUE)[["elapsed"]]
cat(spent * 1e9 / calls, "\n")
