"""The command line: one verb per file, imported only when called."""

import sys

from cyclopts import App, CycloptsError

from monitor.errors import ConfigError, MonitorError, ReadError, UsageError

OK, FINDING, WRONG, UNREAD = 0, 1, 2, 3
"""Exit codes: all well · something found · usage or configuration wrong · something could not be read."""

app = App(name="hfm", help="Margin health of DeFi positions, equal to the protocol's own integers.")
app.command("monitor.cli.init:init", name="init")
app.command("monitor.cli.run:run", name="run")
app.command("monitor.cli.watch:watch", name="watch")
app.command("monitor.cli.snapshot:snapshot", name="snapshot")
app.command("monitor.cli.at_risk:at_risk", name="at-risk")
app.command("monitor.cli.explain:explain", name="explain")
app.command("monitor.cli.check:check", name="check")
app.command("monitor.cli.test_alert:send_test_alert", name="test-alert")
app.command("monitor.cli.bench:bench", name="bench")


def main() -> None:
    """Run a verb and leave with its exit code; an expected failure is one clear line on standard error."""
    try:
        code = app(exit_on_error=False, print_error=True, result_action="return_value")
    except CycloptsError:
        code = WRONG
    except MonitorError as e:
        code = _told(e)
    sys.exit(code if isinstance(code, int) else OK)


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
