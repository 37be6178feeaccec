"""Help says what there is, and the documentation says the same."""

import re
from pathlib import Path

import click
import pytest

from ivc.cli import app

DOCUMENT = Path(__file__).parents[2] / "docs" / "cli.md"


def options_of(command):
    return {
        name
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in parameter.opts
    }


@pytest.mark.parametrize("name", list(app.commands))
def test_help_has_every_option_and_an_example(ivc, name):
    text = ivc(name, "--help").out
    for option in options_of(app.commands[name]):
        assert option in text
    examples = text.split("Examples:\n")[1]
    assert re.search(rf"^  ivc {name}\b", examples, re.MULTILINE)


def test_help_lists_the_commands(ivc):
    text = ivc("--help").out
    places = [text.index(f"\n  {name} ") for name in app.commands]
    assert places == sorted(places)
    assert not re.search(r"^  \w+ .*\.\.\.$", text, re.MULTILINE)


@pytest.mark.parametrize("name", list(app.commands))
def test_the_documentation_has_exactly_the_options(name):
    text = DOCUMENT.read_text(encoding="utf-8")
    section = re.search(rf"^## {name}\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)[1]
    rows = re.findall(r"^\| (`-.*?) \|", section, re.MULTILINE)
    documented = {word for row in rows for word in re.findall(r"(?<!\S)`?(--?[a-z][a-z-]*)", row)}
    assert documented == options_of(app.commands[name])


def test_examples_of_the_help_can_be_typed():
    """Every option of every example exists."""
    for command in [app, *app.commands.values()]:
        for line, _ in command.examples:
            typed = re.search(r"ivc (\w+)(.*?)(\||$)", line)
            known = options_of(app.commands[typed[1]])
            for word in re.findall(r"(?<=\s)(--?[a-z][a-z-]*)", typed[2]):
                assert word in known, line


def test_completion_is_there(process):
    result = process(_IVC_COMPLETE="bash_source")
    assert result.code == 0
    assert b"_IVC_COMPLETE=bash_complete" in result.out
