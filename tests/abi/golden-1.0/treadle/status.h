/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_STATUS_H
#define TREADLE_STATUS_H

/**
 * What every call across the ABI and of the public API returns, as an int32_t.
 * Zero is success, all others are negative. The enum only names the numbers: no signature
 * mentions it, because the width of a C enum is the compiler's choice.
 */
enum treadle_status {
    TREADLE_OK = 0,
    /** The backend met an error of its own; the outputs are undefined. */
    TREADLE_E_FAILED = -1,
    /** "Not me": nothing was written, the host asks the next backend. Never reaches a user. */
    TREADLE_E_DECLINED = -2,
    /** An argument is wrong; nothing was written. */
    TREADLE_E_INVALID = -3,
    /** Memory could not be had; the outputs are undefined. */
    TREADLE_E_NOMEM = -4,
    /** No backend that may be used has this operation for these types; nothing was written. */
    TREADLE_E_UNSUPPORTED = -5,
    /** The numbers do not allow it: singular, not positive definite, did not converge. */
    TREADLE_E_NUMERIC = -6,
    /** A plugin could not be loaded or does not keep the ABI. */
    TREADLE_E_PLUGIN = -7
};

#endif /* TREADLE_STATUS_H */
