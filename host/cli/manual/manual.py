#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write the man page and the shells' completions from what ``treadle COMMAND --help`` prints."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Option:
    name: str
    value: str  # "" if it takes none
    text: str


@dataclass
class Command:
    """A command, and its help: usage lines, paragraphs before and after the options."""

    name: str
    summary: str
    usage: list[str]
    before: list[str]
    options: list[Option]
    after: list[str]


def help_of(program, *command):
    done = subprocess.run([program, *command, "--help"], capture_output=True, text=True, check=True)
    return done.stdout.rstrip("\n").split("\n\n")


def read_options(paragraph):
    """Read an indented list of options; what goes on in the next line belongs to the same."""
    options = []
    for line in paragraph.splitlines():
        begin = re.fullmatch(r"  (--[a-z-]+)(?: ([A-Z]+))?  +(.*)", line)
        if begin:
            options.append(Option(begin[1], begin[2] or "", begin[3]))
        else:
            options[-1].text += " " + line.strip()
    return options


def read_command(program, name, summary):
    paragraphs = help_of(program, name)
    (at,) = (i for i, paragraph in enumerate(paragraphs) if paragraph.startswith("  --"))
    usage = [line.removeprefix("usage:").strip() for line in paragraphs[0].splitlines()]
    options = read_options(paragraphs[at])
    return Command(name, summary, usage, paragraphs[1:at], options, paragraphs[at + 1 : -1])


def read_commands(program):
    """Return all commands, and the paragraphs of the program's own help."""
    paragraphs = help_of(program)
    lines = next(p for p in paragraphs if p.startswith("  ")).splitlines()
    pairs = (line.strip().split(maxsplit=1) for line in lines)
    return [read_command(program, *pair) for pair in pairs], paragraphs


# ---- man ---------------------------------------------------------------------------------------


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"(?m)^(?=[.'])", r"\\&", text)


def roff_block(paragraph):
    """Make an example or a list keep its lines, and everything else a paragraph."""
    head, _, rest = paragraph.partition("\n")
    if rest.startswith("  "):
        lines = "\n".join(line.removeprefix("  ") for line in rest.splitlines())
        return f".PP\n{roff(head)}\n.PP\n.RS 4\n.nf\n{roff(lines)}\n.fi\n.RE\n"
    return f".PP\n{roff(paragraph)}\n"


def roff_command(command):
    text = f'.SS "treadle {command.name}"\n' + "\n.br\n".join(map(roff, command.usage)) + "\n"
    text += "".join(map(roff_block, command.before))
    for option in command.options:
        value = f" \\fI{option.value}\\fR" if option.value else ""
        text += f".TP\n\\fB{roff(option.name)}\\fR{value}\n{roff(option.text)}\n"
    return text + "".join(map(roff_block, command.after))


def man(commands, paragraphs, version):
    names = "".join(f".TP\n\\fB{c.name}\\fR\n{roff(c.summary)}\n" for c in commands)
    return (
        f'.TH TREADLE 1 "" "treadle {version}" "User Commands"\n'
        ".SH NAME\ntreadle \\- look into what picks backend and threads of array operations\n"
        ".SH SYNOPSIS\n.B treadle\n.I COMMAND\n.RI [ OPTION ...]\n"
        f".SH DESCRIPTION\n{roff(paragraphs[1])}\n{names}"
        f"{''.join(map(roff_block, paragraphs[3:-1]))}"
        f".SH COMMANDS\n{''.join(map(roff_command, commands))}"
        f'.SH "EXIT STATUS"\n{roff(paragraphs[-1].removeprefix("Exit codes: "))}\n'
        ".SH ENVIRONMENT\nVariables that begin with TREADLE_ choose backends, threads and more:\n"
        "see docs/environment.md of the source.\n"
    )


# ---- shells ------------------------------------------------------------------------------------


def bash(commands, _paragraphs, _version):
    cases = "".join(
        f"    {c.name}) words='{' '.join(option.name for option in c.options)}' ;;\n"
        for c in commands
    )
    names = " ".join(command.name for command in commands)
    return (
        "# bash completion of treadle\n"
        "_treadle()\n{\n"
        "    local words='' word=${COMP_WORDS[COMP_CWORD]}\n"
        "    case ${COMP_WORDS[1]} in\n"
        f"{cases}"
        f"    help) words='{names}' ;;\n"
        "    esac\n"
        f"    [[ $COMP_CWORD == 1 ]] && words='{names} help --help --version'\n"
        "    [[ $COMP_CWORD == 1 || ${COMP_WORDS[1]} == help || $word == -* ]] || words=''\n"
        '    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")\n'
        "}\n"
        "complete -o bashdefault -o default -F _treadle treadle\n"
    )


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def zsh_option(option):
    # A colon would end the text, and a bracket close it.
    text = re.sub(r"([][:\\])", r"\\\1", option.text)
    value = option.value and f":{option.value}:" + ("_files" if option.value == "FILE" else "")
    return quoted(f"*{option.name}[{text}]{value}")


def zsh(commands, _paragraphs, _version):
    def described(command):
        return quoted(f"{command.name}:{command.summary}")

    def case(command):
        lines = ["_arguments", *map(zsh_option, command.options), "'*:argument:_files' ;;"]
        return f"    {command.name})\n        " + " \\\n            ".join(lines) + "\n"

    names = "\n        ".join(map(described, commands))
    return (
        "#compdef treadle\n"
        "local -a commands\n"
        f"commands=(\n        {names}\n        'help:what a command does'\n)\n"
        "if ((CURRENT == 2)); then\n"
        "    _describe command commands\n"
        "    _arguments '--help[what treadle does]' '--version[print the version]'\n"
        "    return\n"
        "fi\n"
        "shift words\n((CURRENT--))\n"
        "case $words[1] in\n"
        f"{''.join(map(case, commands))}"
        "    help) _describe command commands ;;\n"
        "esac\n"
    )


def fish(commands, _paragraphs, _version):
    names = " ".join(command.name for command in commands)
    lines = [
        "# fish completion of treadle",
        "complete -c treadle -n __fish_use_subcommand -l help -d 'what treadle does'",
        "complete -c treadle -n __fish_use_subcommand -l version -d 'print the version'",
        "complete -c treadle -n __fish_use_subcommand -f -a help -d 'what a command does'",
        f"complete -c treadle -n '__fish_seen_subcommand_from help' -f -a {quoted(names)}",
    ]
    for c in commands:
        lines.append(f"complete -c treadle -n __fish_use_subcommand -f -a {c.name} "
                     f"-d {quoted(c.summary)}")  # fmt: skip
        for option in c.options:
            takes = " -r" if option.value else ""
            lines.append(f"complete -c treadle -n '__fish_seen_subcommand_from {c.name}' "
                         f"-l {option.name[2:]}{takes} -d {quoted(option.text)}")  # fmt: skip
    return "\n".join(lines) + "\n"


KINDS = {"treadle.1": man, "treadle.bash": bash, "_treadle": zsh, "treadle.fish": fish}


def main():
    program, version, folder = sys.argv[1:]
    commands, paragraphs = read_commands(program)
    for name, write in KINDS.items():
        Path(folder, name).write_text(write(commands, paragraphs, version))


if __name__ == "__main__":
    main()
