/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_CHECK_TESTS_H
#define TREADLE_CHECK_TESTS_H

/* The tests themselves; check_tests[] in check_tests.c says what each stands for. */

void check_file(void);
void check_load(void);
void check_entry(void);
void check_table(void);
void check_create(void);
void check_list(void);
void check_find(void);

void check_elementwise(void);
void check_in_place(void);
void check_edges(void);
void check_reductions(void);
void check_products(void);
void check_linalg(void);
void check_loop(void);
void check_repeat(void);

void check_numeric(void);
void check_text(void);
void check_nomem(void);

void check_one_thread(void);
void check_thread_limit(void);
void check_threads_used(void);
void check_reentrant(void);

void check_fp_flags(void);
void check_fp_modes(void);
void check_fp_rounding(void);

void check_process(void);
void check_fork(void);
void check_descriptors(void);
void check_threads_left(void);
void check_memory(void);

#endif /* TREADLE_CHECK_TESTS_H */
