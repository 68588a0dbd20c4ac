"""The command line: one verb per file, imported only when called."""

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, UnusedCliTokensError

from monitor.errors import ConfigError, MonitorError, ReadError, UsageError

OK, FINDING, WRONG, UNREAD = 0, 1, 2, 3
"""Exit codes: all well · something found · usage or configuration wrong · something could not be read."""


def _version() -> str:
    from importlib.metadata import version

    return version("hfm")


app = App(
    name="hfm",
    help="Margin health of DeFi positions, equal to the protocol's own integers.",
    help_format="plaintext",
    version=_version,
)
VERBS = (
    ("init", "monitor.cli.init:init", "Write a commented configuration."),
    ("run", "monitor.cli.run:run", "Watch, alert and serve until stopped."),
    ("watch", "monitor.cli.watch:watch", "One live screen for any address."),
    ("snapshot", "monitor.cli.snapshot:snapshot", "Every position at one moment, as rows."),
    ("at-risk", "monitor.cli.at_risk:at_risk", "The keeper's list, now."),
    ("levels", "monitor.cli.analysis.levels:levels", "What is liquidatable at which price."),
    ("stress", "monitor.cli.analysis.stress:stress", "What becomes liquidatable when prices move together."),
    ("risk", "monitor.cli.analysis.risk:risk", "Value at risk and expected shortfall of what is liquidatable."),
    ("export", "monitor.cli.analysis.export:export", "What was, from history to a file."),
    ("backfill", "monitor.cli.backfill:backfill", "Find every position of a deployment."),
    ("explain", "monitor.cli.explain:explain", "The arithmetic of one position, against the contract."),
    ("check", "monitor.cli.check:check", "Whether settings and chains make sense."),
    ("test-alert", "monitor.cli.test_alert:send_test_alert", "Send one message, to see that it arrives."),
    ("backup", "monitor.cli.backup:backup", "A consistent copy of the store, while it is in use."),
    ("subscribers", "monitor.cli.subscribers:app", "Who is told of whom, over which contacts, and when."),
    ("keys", "monitor.cli.keys:app", "The keys that sign requests to the API."),
    ("bench", "monitor.cli.bench:bench", "How fast this machine is at what is promised."),
)
for _name, _where, _help in VERBS:
    app.command(_where, name=_name, help=_help)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a verb and leave with its exit code; an expected failure is one clear line on standard error."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = app(words, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as e:
        code = _told(_misread(words, e))
    except MonitorError as e:
        code = _told(e)
    sys.exit(code if isinstance(code, int) else OK)


def _misread(words: Sequence[str], error: CycloptsError) -> UsageError:
    """Return what could not be read of a command, and where to find what can."""
    verb = f"hfm {words[0]}" if words and words[0] in {name for name, _, _ in VERBS} else "hfm"
    if isinstance(error, UnusedCliTokensError):
        found = f"expected nothing more after `{verb}` but options, found {' '.join(error.unused_tokens or ())}."
    else:
        found = str(error)
    return UsageError(f"{found} `{verb} --help` lists what there is.")


def _told(error: MonitorError) -> int:
    from monitor.log import redact

    print(f"hfm: {redact(str(error))}", file=sys.stderr)  # noqa: T201  # this is the command line
    match error:
        case ConfigError() | UsageError():
            return WRONG
        case ReadError():
            return UNREAD
        case _:
            return FINDING
