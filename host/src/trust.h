/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_TRUST_H
#define TREADLE_TRUST_H

#include <stdint.h>

#include "backend.h"

/**
 * Nobody but root and the effective user can change what lies at `path`: it and every folder above
 * belong to one of the two, and none can be written by everybody. A sticky folder such as /tmp
 * may be above, but not hold the plugin itself. Group-writable is said, and refused when set-uid.
 * @param path  of a file or folder, as realpath() gives it
 * @return TREADLE_OK, or that of backend_refuse()
 */
int32_t trust_owners(struct backend *backend, const char *path);

/**
 * The open file is a complete shared object for this machine, as far as its ELF header and its
 * segments tell: what the dynamic linker would refuse with less to say, or crash on.
 * @return TREADLE_OK, or that of backend_refuse()
 */
int32_t trust_object(struct backend *backend, int file, int64_t size);

#endif
