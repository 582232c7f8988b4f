"""What comes of wishes about accounts. The log does not tell of accounts: they are followed by what is answered."""

from datetime import datetime

from tests.simulation.complaint import demand, same
from tests.simulation.follow import Model
from tests.simulation.people import Person
from tests.simulation.wishes import LOST, REPLAYED, Wish

DONE = "done"


def note(model: Model, wish: Wish) -> None:
    """Take an account for changed from now on, where that is what comes of the wish."""
    wish.predicted = _predict(model, wish)
    if wish.predicted == DONE:
        wish.fields["before"] = model.people.now().get(wish.target)
        model.people.put(wish.target, wish.fields.get("person"), wish.time)


def answered(model: Model, wish: Wish) -> None:
    """Compare what came of a wish with what was expected."""
    if wish.outcome not in (LOST, REPLAYED):
        same(wish.outcome, wish.predicted, f"what comes of {wish}")
        wish.effect = wish.outcome == DONE
        _supersede(model, wish)


def found_after_all(model: Model, wish: Wish, stored: Person | None, now: datetime) -> None:
    """The server ended before it answered: what is stored tells whether the wish was done."""
    if wish.predicted != DONE:
        return
    before, wished = wish.fields["before"], wish.fields.get("person")
    demand(stored in (before, wished), f"{wish.target} is neither as before nor as wished: {stored}")
    wish.effect = stored == wished and before != wished
    _supersede(model, wish)
    if stored != wished:
        model.people.put(wish.target, before, now)


def _supersede(model: Model, wish: Wish) -> None:
    if wish.kind == "account.delete" and wish.effect:
        model.links.attempts.account_deleted(wish.target)


def _predict(model: Model, wish: Wish) -> str:
    known = model.people.now().get(wish.target)
    if wish.kind == "account.create":
        return "ACCOUNT_EXISTS" if known is not None else DONE
    if known is None:
        return "ACCOUNT_NOT_FOUND"
    if wish.fields.get("as_read", known) != known:
        return "ETAG_MISMATCH"
    if wish.kind == "account.update":
        return DONE
    in_use = any(wish.target in (page.owner, *page.names) for page in model.pages.values())
    return "ACCOUNT_IN_USE" if in_use else DONE
