"""What comes of wishes about links, worked out once they are over, from what Google answered meanwhile."""

from datetime import timedelta

from tests.simulation.complaint import same
from tests.simulation.follow import Model
from tests.simulation.link_rules import OPERATOR, permits, severity
from tests.simulation.plain import Met
from tests.simulation.wishes import LOST, REPLAYED, Listing, Wish

DONE = "done"
_ATTEMPT_LASTS = timedelta(minutes=30)
_OUTCOME_OF = {
    "declined": "ACCESS_DENIED",
    "refused": "CODE_REFUSED",
    "unverified": "IDENTITY_UNVERIFIED",
}


def note(model: Model, wish: Wish) -> None:
    """Remember how the link stood when the wish was made."""
    link = model.links.known.get(wish.target)
    wish.before = (link.state, link.checks, link.add, link.subject, link.scopes) if link is not None else None
    if wish.kind == "link":
        wish.others = {each.subject: each.id for each in model.links.of(wish.fields["account"])}


def judge_begin(model: Model, wish: Wish) -> str:
    """An attempt is begun for an account that there is, and for a link of its own."""
    account, named = wish.fields["account"], wish.fields["named"]
    if model.people.at(account, wish.time) is None:
        return "ACCOUNT_NOT_FOUND"
    if not named:
        return DONE
    link = model.links.known.get(named)
    if link is None:
        return "CALENDAR_LINK_NOT_FOUND"
    return DONE if link.account == account else "CALENDAR_LINK_OF_ANOTHER_ACCOUNT"


def over(model: Model, wish: Wish) -> None:
    """Note what the operator is to be alerted of, by what Google answered to a wish."""
    failed = [listing.failed for listing in wish.listings if wish.kind != "link"]
    reasons = [met.reason for met in failed if met is not None]
    if wish.kind == "link" and wish.fields["goes"] == "fails":
        reasons.append(wish.fields["fault"].value)
    owed = wish.outcome in ("PROVIDER_UNREACHABLE", "APP_MISCONFIGURED")
    noted = model.links.alerts if owed else model.links.lost_alerts
    noted.extend((wish.time, reason) for reason in reasons if reason in OPERATOR)


def judge(model: Model, wish: Wish) -> None:
    """Compare what came of a wish with what is to come of it."""
    if wish.breaks or not wish.alone or wish.outcome in (LOST, REPLAYED):
        return
    expected = _judge_link(model, wish) if wish.kind == "link" else _judge_other(wish)
    same(wish.outcome, expected, f"what comes of {wish}")


def _judge_link(model: Model, wish: Wish) -> str:
    fields = wish.fields
    if wish.time >= fields["begun"] + _ATTEMPT_LASTS:
        return "STATE_EXPIRED"
    if fields["goes"] == "fails":
        return _exchange_failed(wish)
    if fields["goes"] == "refused" and fields["attempt"].superseded:
        return "ATTEMPT_SUPERSEDED"
    if fields["goes"] in _OUTCOME_OF:
        return _OUTCOME_OF[fields["goes"]]
    return _given_refused(model, wish) or ("GRANT_VOID" if wish.void else DONE)


def _given_refused(model: Model, wish: Wish) -> str:
    """Why a consent that was given links nothing."""
    fields = wish.fields
    if fields["goes"] == "for a while":
        return "OFFLINE_ACCESS_MISSING"
    if model.people.at(fields["account"], wish.time) is None:
        return "ACCOUNT_NOT_FOUND"
    if fields["named"] and fields["named"] not in wish.others.values():
        return "CALENDAR_LINK_NOT_FOUND"
    if fields["attempt"].void_for(fields["subject"]):
        return "ATTEMPT_SUPERSEDED"
    return _named_refused(wish) if fields["named"] else ""


def _named_refused(wish: Wish) -> str:
    fields = wish.fields
    mine = {link: subject for subject, link in wish.others.items()}
    if wish.others.get(fields["subject"], fields["named"]) != fields["named"]:
        return "PROVIDER_ACCOUNT_LINKED"
    changes = mine[fields["named"]] != fields["subject"]
    return "PROVIDER_ACCOUNT_MISMATCH" if changes and not fields["allow_change"] else ""


def _exchange_failed(wish: Wish) -> str:
    reason = wish.fields["fault"].value
    if reason in ("APP_MISCONFIGURED", "ADMIN_BLOCKED"):
        return reason
    return "PROVIDER_UNREACHABLE" if severity(Met(reason)) in ("transient", "operator") else "CODE_REFUSED"


def _judge_other(wish: Wish) -> str:
    if wish.before is None:
        return "CALENDAR_LINK_NOT_FOUND"
    state, *_ = wish.before
    match wish.kind:
        case "disconnect":
            return "ILLEGAL_TRANSITION" if state == "STOPPED" else DONE
        case "check" | "report":
            return "CALENDAR_LINK_STOPPED" if state == "STOPPED" else DONE
        case "list":
            return _judge_listing(wish)
        case "select":
            return _judge_selection(wish)
        case _:
            return DONE


def _judge_listing(wish: Wish) -> str:
    if not wish.listings:
        return "CALENDAR_LINK_NOT_AUTHORIZED"
    failed = wish.listings[-1].failed
    if failed is None:
        return DONE
    may_pass = severity(Met(failed.reason)) in ("transient", "operator")
    return "PROVIDER_UNREACHABLE" if may_pass else "CALENDAR_LINK_NOT_AUTHORIZED"


def _judge_selection(wish: Wish) -> str:
    state, checks, add, subject, scopes = wish.before or ("", (), "", "", ())
    if "as_read" in wish.fields and wish.fields["as_read"] != (checks, add, subject):
        return "ETAG_MISMATCH"
    if state == "STOPPED":
        return "CALENDAR_LINK_STOPPED"
    if wish.fields["checks"] or wish.fields["add"]:
        listed = _judge_listing(wish)
        if listed != DONE:
            return listed
        if not _serve(wish, wish.listings[-1], scopes):
            return "CALENDAR_REFUSED"
    return "CALENDAR_REFUSED" if wish.refused_by_probe else DONE


def _serve(wish: Wish, listing: Listing, scopes: tuple[str, ...]) -> bool:
    """Any role can be checked; adding needs a role that writes; both need the permission for it."""
    roles = {calendar: role for calendar, role, _ in listing.shown}
    checks, add = wish.fields["checks"], wish.fields["add"]
    checked = all(calendar in roles for calendar in checks) and (not checks or permits(scopes, "CHECK"))
    writing = roles.get(add) in ("writer", "writerWithoutPrivateAccess", "owner") and permits(scopes, "ADD")
    return checked and (not add or writing)
