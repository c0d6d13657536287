# SPDX-License-Identifier: BSD-3-Clause
"""The one warning."""


class TreadleWarning(UserWarning):
    """Something keeps Treadle, or a part of it, from working; NumPy goes on without it."""
