"""Shared files are what a system looks for beside a program: its man page, and completions for bash, zsh and fish.

All are made of the parsers of the commands, so that none can tell of an option that isn't there. They are written here
and not by shtab and argparse-manpage: their output differs from one version to the next, and a test compares it.
`python -m docs.tools.share` writes them to `docs/share`, from where the wheel takes them.
"""

from __future__ import annotations

import re
from pathlib import Path

from chatterbox import __version__
from chatterbox.client import options as client
from chatterbox.core.modes import table
from docs.tools.commands import Command, Option, commands

FOLDER = Path(__file__).resolve().parents[1] / "share"
HEAD = "made by docs/tools/share.py from the commands' parsers"


def files() -> dict[str, str]:
    """Return each file's text by its name in `docs/share`."""
    every = commands()
    return {
        "man/man1/chatterbox.1": man_page(every),
        "bash-completion/completions/chatterbox": bash(every),
        "zsh/site-functions/_chatterbox": zsh(every),
        "fish/vendor_completions.d/chatterbox.fish": fish(every),
    }


# -- the man page -----------------------------------------------------------------------------------------------


def man_page(every: list[Command]) -> str:
    """Return the page in roff."""
    lines = [
        f'.\\" {HEAD}',
        f'.TH CHATTERBOX 1 "" "chatterbox {__version__}" "User Commands"',
        ".SH NAME",
        "chatterbox \\- a small chat server, and the client for it",
        ".SH SYNOPSIS",
    ]
    for command in every:
        lines += [f".B {_bold(command)}", f"[options] {_roff(command.words)}", ".br"]
    lines += [".SH DESCRIPTION", *_paragraphs(client._FORMS)]
    for command in every:
        lines += [f".SH OPTIONS OF {_bold(command).upper()}", _sentence(command.about)]
        for option in command.options:
            lines += [".TP", _roff_flags(option), _sentence(option.about)]
            lines += [f"One of: {_roff(', '.join(option.choices))}."] if option.choices else []
    lines += [".SH MODES", *_verbatim(table())]
    around, _, statuses = client._ENDING.partition("exit status:\n")
    around = around.partition("environment, ")[2].partition("\n")[2]
    lines += [".SH ENVIRONMENT", "Where the command line says nothing:", *_verbatim(around)]
    lines += [".SH EXIT STATUS", *_verbatim(statuses)]
    lines += [".SH EXAMPLES", *_verbatim(client._EXAMPLES.partition("\n")[2])]
    return "\n".join(lines) + "\n"


def _bold(command: Command) -> str:
    return f"chatterbox {command.name}".strip()


def _roff(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", escaped, flags=re.MULTILINE)


def _sentence(text: str) -> str:
    return _roff(text[:1].upper() + text[1:]) + "."


def _roff_flags(option: Option) -> str:
    value = f" \\fI{_roff(option.value)}\\fR" if option.value else ""
    return ", ".join(f"\\fB{_roff(flag)}\\fR{value}" for flag in option.flags)


def _paragraphs(text: str) -> list[str]:
    return [line for part in text.strip().split("\n\n") for line in (".PP", *_roff(part).splitlines())]


def _verbatim(text: str) -> list[str]:
    return [".nf", *_roff(text.strip("\n")).splitlines(), ".fi"]


# -- completions ------------------------------------------------------------------------------------------------


def _named(every: list[Command]) -> list[Command]:
    return [command for command in every if command.name]


def bash(every: list[Command]) -> str:
    """Return the completion for bash."""
    values, flags = [], []
    for command in every:
        for option in command.options:
            if option.value:
                offer = f'-W "{" ".join(option.choices)}"' if option.choices else "-f" if option.is_file else ""
                reply = f'COMPREPLY=($(compgen {offer} -- "$now")); ' if offer else ""
                values.append(f"    {'|'.join(f'{command.name}:{flag}' for flag in option.flags)}) {reply}return ;;")
        flags.append(f'    "{command.name}") words="{" ".join(f for o in command.options for f in o.flags)}" ;;')
    names = [command.name for command in _named(every)]
    return "\n".join(
        [
            f"# bash completion for chatterbox, {HEAD}",
            "_chatterbox() {",
            '  local now=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]} command="" words',
            "  COMPREPLY=()",
            '  if [ "$COMP_CWORD" -gt 1 ]; then',
            f"    case ${{COMP_WORDS[1]}} in {'|'.join(names)}) command=${{COMP_WORDS[1]}} ;; esac",
            "  fi",
            '  case "$command:$last" in',
            *values,
            "  esac",
            '  case "$command" in',
            *flags,
            "  esac",
            f'  [ "$COMP_CWORD" -gt 1 ] || words="$words {" ".join(names)}"',
            '  COMPREPLY=($(compgen -W "$words" -- "$now"))',
            "}",
            "complete -F _chatterbox chatterbox",
            "",
        ]
    )


def zsh(every: list[Command]) -> str:
    """Return the completion for zsh."""
    lines = ["#compdef chatterbox", f"# {HEAD}", "", "local -a commands", "commands=("]
    lines += [f"  {_quoted(f'{command.name}:{command.about}')}" for command in _named(every)]
    lines += [")", "local command=", 'if (( CURRENT > 2 )) && [[ -n "${commands[(r)$words[2]:*]}" ]]; then']
    lines += ["  command=$words[2]", "  shift words", "  (( CURRENT-- ))", "fi", "case $command in"]
    for command in every:
        rows = [_zsh_row(option, flag) for option in command.options for flag in option.flags]
        if not command.name:
            rows.append("'1: :{ _describe command commands }'")
        lines += [f"  {command.name or chr(39) * 2})", "    _arguments \\"]
        lines += [f"      {row} \\" for row in rows[:-1]] + [f"      {rows[-1]}", "    ;;"]
    return "\n".join([*lines, "esac", ""])


def _zsh_row(option: Option, flag: str) -> str:
    others = " ".join(option.flags)
    about = re.sub(r"([\[\]:])", r"\\\1", option.about)
    action = f"({' '.join(option.choices)})" if option.choices else "_files" if option.is_file else " "
    return _quoted(f"({others}){flag}[{about}]" + (f":{option.value}:{action}" if option.value else ""))


def fish(every: list[Command]) -> str:
    """Return the completion for fish."""
    names = " ".join(command.name for command in _named(every))
    lines = [f"# fish completion for chatterbox, {HEAD}", "complete -c chatterbox -f"]
    lines += [
        f"complete -c chatterbox -n __fish_use_subcommand -a {command.name} -d {_quoted(command.about)}"
        for command in _named(every)
    ]
    for command in every:
        seen = f"__fish_seen_subcommand_from {command.name or names}"
        seen = seen if command.name else f"not {seen}"
        for option in command.options:
            flags = " ".join(f"-l {f[2:]}" if f[:2] == "--" else f"-s {f[1:]}" for f in option.flags)
            value = " -r -F" if option.is_file else " -x" if option.value else ""
            value += f" -a {_quoted(' '.join(option.choices))}" if option.choices else ""
            lines.append(f"complete -c chatterbox -n {_quoted(seen)} {flags}{value} -d {_quoted(option.about)}")
    return "\n".join([*lines, ""])


def _quoted(text: str) -> str:
    """Return `text` as one word for a shell; fish and zsh both take a quote in this form."""
    return "'" + text.replace("'", "'\\''") + "'"


if __name__ == "__main__":
    for name, text in files().items():
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / name).write_text(text)
