# SPDX-License-Identifier: BSD-3-Clause
# Treadle from R by .Call, with hello_r.c between:
#     PKG_CPPFLAGS=$(pkg-config --cflags treadle) PKG_LIBS=$(pkg-config --libs treadle) R CMD SHLIB hello_r.c
#     Rscript hello.R hello_r.so
library <- dyn.load(commandArgs(trailingOnly = TRUE)[1])
# Looked up once: a name at each call takes three times as long.
functions <- c(binary = "treadle_r_binary", sum = "treadle_r_sum", who = "treadle_r_who",
               set_backend = "treadle_r_set_backend", backends = "treadle_r_backends")
treadle <- lapply(functions, function(name) getNativeSymbolInfo(name, library)$address)

binary <- function(op, x, y, dim) {
  out <- .Call(treadle$binary, op, x, y, array(0, dim))
  list(out = out, who = .Call(treadle$who))
}

for (backend in .Call(treadle$backends)) cat("found", backend, "\n")
x <- 1 + (seq_len(1e6) - 1) %% 7
y <- x + 1
a <- matrix(0.5 + (seq_len(40000) - 1) %% 7, 200)
cat("the environment chose", binary("add", x, y, 1e6)$who, "\n")
results <- lapply(c("serial", "openmp"), function(backend) {
  .Call(treadle$set_backend, backend)
  sums <- binary("add", x, y, 1e6)
  product <- binary("matmul", a, a, c(200, 200))
  cat("add by", sums$who, "\n")
  cat("matmul by", product$who, "\n")
  stopifnot(all.equal(product$out, a %*% a))
  list(sums$out, product$out, .Call(treadle$sum, sums$out))
})
cat("equal", tolower(identical(results[[1]], results[[2]])), "sum", format(results[[1]][[3]]), "\n")
tryCatch(binary("add", x, y, 3), error = function(e) cat("error", conditionMessage(e), "\n"))
