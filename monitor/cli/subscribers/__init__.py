"""`hfm subscribers`: who is told of whom, over which contacts, and when."""

from cyclopts import App

app = App(name="subscribers", help="Who is told of whom, over which contacts, and when.", help_format="plaintext")
_contact = App(name="contact", help="Ways to reach a subscriber.", help_format="plaintext")
_HERE = "monitor.cli.subscribers"
for _verb, _where, _help in (
    ("list", "showing:listed", "List all subscribers."),
    ("show", "showing:show", "Show one subscriber."),
    ("add", "changing:add", "Add a subscriber."),
    ("remove", "changing:remove", "Forget a subscriber."),
    ("watch", "changing:watch", "Tell a subscriber of an owner's positions."),
    ("unwatch", "changing:unwatch", "Tell a subscriber no more of an owner."),
    ("set", "hearing:set_", "Set when and from which level on a subscriber is told."),
    ("mute", "hearing:mute", "Hold back what may wait, for a while."),
    ("stop", "hearing:stop", "Send nothing more to a subscriber."),
    ("resume", "hearing:resume", "Send to a subscriber again."),
    ("link", "linking:link", "Make a link with which a Telegram chat becomes a contact."),
):
    app.command(f"{_HERE}.{_where}", name=_verb, help=_help)
for _verb, _where, _help in (
    ("add", "contacts:add", "Add a way to reach a subscriber, after those there are."),
    ("remove", "contacts:remove", "Send nothing more over a contact."),
):
    _contact.command(f"{_HERE}.{_where}", name=_verb, help=_help)
app.command(_contact)
