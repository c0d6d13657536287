# SPDX-License-Identifier: BSD-3-Clause
"""The treadle command, and plugins that are slow or wrong, for the tests of both."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OK = 0

# A backend that adds f64 REPEAT times and is off by ADD_ERROR at one element, and that multiplies
# f64 matrices with a relative error of MATMUL_ERROR. It adds EXTRA per cent of the elements once
# more, and never comes back from HANG elements.
PLUGIN = r"""
#include <string.h>
#include <unistd.h>
#include <treadle/plugin.h>

/* Not known to the compiler, or other numbers would make other code. */
static volatile int repeat = REPEAT, extra = EXTRA;

static int32_t add(struct treadle_call *call)
{
    const struct treadle_array *x = &call->args[0], *y = &call->args[1], *out = &call->args[2];
    if (out->ndim != 1)
        return TREADLE_E_DECLINED;
    while (out->shape[0] == HANG)
        pause();
    const int64_t last = out->shape[0] * extra / 100;
    for (int k = 0, rounds = repeat; k <= rounds; k++)
        for (int64_t i = 0, n = k < rounds ? out->shape[0] : last; i < n; i++)
            *(volatile double *)((char *)out->data + i * out->strides[0]) =
                *(double *)((char *)x->data + i * x->strides[0]) +
                *(double *)((char *)y->data + i * y->strides[0]) +
                (i == 777 ? ADD_ERROR : 0);
    return TREADLE_OK;
}

static int32_t matmul(struct treadle_call *call)
{
    const struct treadle_array *x = &call->args[0], *y = &call->args[1], *out = &call->args[2];
    if (out->ndim != 2)
        return TREADLE_E_DECLINED;
    for (int64_t i = 0; i < out->shape[0]; i++)
        for (int64_t j = 0; j < out->shape[1]; j++) {
            double sum = 0;
            for (int64_t k = x->shape[1] - 1; k >= 0; k--)
                sum += *(double *)((char *)x->data + i * x->strides[0] + k * x->strides[1]) *
                       *(double *)((char *)y->data + k * y->strides[0] + j * y->strides[1]);
            *(double *)((char *)out->data + i * out->strides[0] + j * out->strides[1]) =
                sum * (1 + MATMUL_ERROR);
        }
    return TREADLE_OK;
}

static int32_t create(const struct treadle_host *host, const char *options, void **state,
                      struct treadle_error *error)
{
    (void)host, (void)options, (void)error;
    *state = NULL;
    return TREADLE_OK;
}

static void destroy(void *state)
{
    (void)state;
}

static int32_t find_kernel(void *state, const struct treadle_query *query,
                           struct treadle_kernel *kernel)
{
    (void)state;
    if (query->ntypes != 3 || query->dtypes[0].code != TREADLE_FLOAT ||
        query->dtypes[0].bits != 64)
        return TREADLE_E_DECLINED;
    kernel->variant = "test";
    kernel->run = !strcmp(query->op, "add") ? add : !strcmp(query->op, "matmul") ? matmul : NULL;
    return kernel->run ? TREADLE_OK : TREADLE_E_DECLINED;
}

TREADLE_EXPORT const struct treadle_plugin *treadle_plugin_v1(void)
{
    static const struct treadle_plugin plugin = {
        .struct_size = sizeof plugin,
        .abi_minor = TREADLE_ABI_MINOR,
        .id = ID,
        .version = "1",
        .vendor = "test",
        .cpu_required = "",
        .create = create,
        .destroy = destroy,
        .find_kernel = find_kernel,
    };
    return &plugin;
}
"""


@pytest.fixture(scope="session")
def treadle():
    staged = ROOT / "build" / "stage" / "bin" / "treadle"
    found = os.environ.get("TREADLE_CLI") or shutil.which("treadle") or str(staged)
    if not os.access(found, os.X_OK):
        pytest.fail(f"{found}: no treadle command; set TREADLE_CLI, or build it first")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TREADLE_", "OMP_"))}
    path = os.environ.get("TREADLE_PLUGIN_PATH")

    def run(*args, plugins=None, code=OK, **variables):
        folders = [str(p) for p in [plugins, path] if p]
        env = kept | ({"TREADLE_PLUGIN_PATH": ":".join(folders)} if folders else {}) | variables
        done = subprocess.run(
            [found, *map(str, args)], env=env, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == code, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    run.command = found
    return run


@pytest.fixture(scope="session")
def build_plugin(tmp_path_factory):
    """Compile PLUGIN to a file below a folder of the session."""
    folder = tmp_path_factory.mktemp("plugins")
    source = folder / "plugin.c"
    source.write_text(PLUGIN)

    def build(file, name, repeat=1, add_error="0", matmul_error="0", extra=0, hang=-1):
        file = folder / file
        file.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [
                *["cc", "-O1", "-shared", "-fPIC", f"-I{ROOT / 'abi'}", f'-DID="{name}"'],
                *[f"-DREPEAT={repeat}", f"-DADD_ERROR={add_error}"],
                *[f"-DMATMUL_ERROR={matmul_error}", f"-DEXTRA={extra}", f"-DHANG={hang}"],
                *[source, "-o", file],
            ],
            check=True,
        )
        return file

    return build


@pytest.fixture(scope="session")
def plugin_folder(build_plugin):
    """A folder with the plugins `wrong`, `slow` and `rounds`."""
    build_plugin("treadle-slow.so", "slow", repeat=50)
    build_plugin("treadle-rounds.so", "rounds")
    return build_plugin("treadle-wrong.so", "wrong", 1, "0.25", "1e-6").parent


BROWSERS = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"]
WATCH = "<head><script>window.errors = []; onerror = m => window.errors.push(String(m));</script>"
TELL = """<script>
addEventListener("load", () => {{
  const seen = (() => {{ {} }})();
  const wide = document.documentElement.scrollWidth > innerWidth;
  document.title = JSON.stringify({{seen, wide, errors: window.errors}});
}});
</script></body>"""


@pytest.fixture(scope="session")
def browse(tmp_path_factory):
    """Open a page in a browser; return what a piece of JavaScript says of it."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not browser:
        pytest.skip("no Chromium here")
    folder = tmp_path_factory.mktemp("browser")

    def look(file, script, width=1000, dark=False):
        page = file.read_text().replace("<head>", WATCH).replace("</body>", TELL.format(script))
        watched = folder / "page.html"
        watched.write_text(page)
        done = subprocess.run(
            [
                *[browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"],
                *[f"--window-size={width},900", f"--user-data-dir={folder / 'profile'}"],
                *(["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] if dark else []),
                *["--enable-logging=stderr", watched.as_uri()],
            ],
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert ":CONSOLE" not in done.stderr
        told = json.loads(re.search(r"<title>(.*?)</title>", done.stdout)[1])
        assert told["errors"] == []
        assert not told["wide"], "the page is wider than the window"
        return told["seen"]

    return look
