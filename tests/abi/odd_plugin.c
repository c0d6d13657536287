/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Plugins that are wrong, or right in an unusual way, each by a macro or two (meson.build has the
 * list). Unchanged it is a plugin with no kernels called "odd". ODD_CREATED in the environment, or
 * ODD_CONSTRUCTED, tells a test that code of it has run.
 */
#include <stdlib.h>
#include <treadle/plugin.h>

#ifndef ODD_ID
#define ODD_ID "odd"
#endif
#ifndef ODD_SIZE
#define ODD_SIZE sizeof(struct treadle_plugin)
#endif
#ifndef ODD_FLAGS
#define ODD_FLAGS 0
#endif
#ifndef ODD_CPU
#define ODD_CPU ""
#endif
#ifndef ODD_FIND
#define ODD_FIND find_kernel
#endif
#ifndef ODD_STATUS
#define ODD_STATUS TREADLE_OK
#endif
#ifndef ODD_TABLE
#define ODD_TABLE &table
#endif

#ifdef ODD_UNRESOLVED
void odd_function_that_is_nowhere(void);
#else
static void odd_function_that_is_nowhere(void)
{
}
#endif

__attribute__((constructor)) static void constructed(void)
{
    setenv("ODD_CONSTRUCTED", "1", 1);
}

static int32_t create(const struct treadle_host *host, const char *options, void **state,
                      struct treadle_error *error)
{
    (void)host, (void)options, (void)error;
    setenv("ODD_CREATED", "1", 1);
    odd_function_that_is_nowhere();
    *state = NULL;
    return ODD_STATUS;
}

static void destroy(void *state)
{
    (void)state;
}

__attribute__((unused)) static int32_t find_kernel(void *state, const struct treadle_query *query,
                                                   struct treadle_kernel *kernel)
{
    (void)state, (void)query, (void)kernel;
    return TREADLE_E_DECLINED;
}

__attribute__((unused)) static const struct treadle_plugin table = {
    .struct_size = ODD_SIZE,
    .abi_minor = TREADLE_ABI_MINOR,
    .flags = ODD_FLAGS,
    .id = ODD_ID,
    .version = "0.1",
    .vendor = "tests",
    .cpu_required = ODD_CPU,
    .create = create,
    .destroy = destroy,
    .find_kernel = ODD_FIND,
};

#ifdef ODD_V2
/* What major 2 will look like is unknown, but not that it differs. */
TREADLE_EXPORT const void *treadle_plugin_v2(void);
TREADLE_EXPORT const void *treadle_plugin_v2(void)
{
    return "not a table of major 1";
}
#endif

#ifdef ODD_DATA
#define ODD_NO_V1
TREADLE_EXPORT extern const int treadle_plugin_v1;
TREADLE_EXPORT const int treadle_plugin_v1 = 3;
#endif

#ifndef ODD_NO_V1
TREADLE_EXPORT const struct treadle_plugin *treadle_plugin_v1(void);
TREADLE_EXPORT const struct treadle_plugin *treadle_plugin_v1(void)
{
    return ODD_TABLE;
}
#endif
