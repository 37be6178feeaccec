"""Commands whose help has its options in sections and ends with examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

Examples = Sequence[tuple[str, str]]
"""Command lines and what they do."""


class Command(click.Command):
    """A command with examples in its help and options grouped by their section."""

    def __init__(self, *args: Any, examples: Examples = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, one list a section, in the order of declaration."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                section = getattr(parameter, "section", "Options")
                sections.setdefault(section, []).append(record)
        for section, records in sections.items():
            with formatter.section(section):
                formatter.write_dl(records, col_max=26)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        write_examples(self.examples, formatter)


class Group(click.Group):
    """The group of all commands, listed in order of declaration."""

    def __init__(self, *args: Any, examples: Examples = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in order of declaration."""
        return list(self.commands)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        write_examples(self.examples, formatter)
        formatter.write_paragraph()
        formatter.write_text("'ivc COMMAND --help' explains each command.")


class Option(click.Option):
    """An option that stands under a heading in the help."""

    def __init__(self, *args: Any, section: str = "Options", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section = section


def option(*declarations: str, section: str, **attributes: Any) -> Callable[[F], F]:
    """Decorator for an option in a section of the help."""
    return click.option(*declarations, cls=Option, section=section, **attributes)


def write_examples(examples: Examples, formatter: click.HelpFormatter) -> None:
    """Write command lines and their comments in two columns."""
    if not examples:
        return
    width = max((len(line) for line, comment in examples if comment), default=0)
    with formatter.section("Examples"):
        for line, comment in examples:
            text = f"{line:<{width}}  # {comment}" if comment else line
            formatter.write(f"{'':>{formatter.current_indent}}{text}\n")
