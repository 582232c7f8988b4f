"""Who and what the story is about."""

from dataclasses import dataclass

from calguard.v1 import booking_page_pb2


@dataclass(frozen=True, slots=True)
class Person:
    """An account of the booking product; the sandbox's Google and Slack know the e-mail address."""

    id: str
    name: str
    email: str
    locale: str


@dataclass(frozen=True, slots=True)
class Page:
    """A booking page of Olga's, with Ann and Ben as members."""

    id: str
    title: str
    mode: booking_page_pb2.SchedulingMode.ValueType
    rule: str
    stops: str


OLGA = Person("olga", "Olga", "olga@example.com", "en")
ANN = Person("ann", "Ann", "ann@example.com", "en")
BEN = Person("ben", "Ben", "ben@example.com", "ja")
EVERYBODY = (OLGA, ANN, BEN)
MEMBERS = (ANN, BEN)
NAMES = {person.id: person.name for person in EVERYBODY}

INTERVIEW = Page(
    "interview",
    "Panel interview",
    booking_page_pb2.SCHEDULING_MODE_ALL_MEMBERS,
    "both take part",
    "stops as soon as one member's calendar cannot be read",
)
TOUR = Page(
    "tour",
    "Product tour",
    booking_page_pb2.SCHEDULING_MODE_ANY_MEMBER,
    "either takes part",
    "stops only when no member's calendar can be read",
)
SALES = Page(
    "sales",
    "Sales call",
    booking_page_pb2.SCHEDULING_MODE_AUTO_ASSIGN,
    "one is assigned",
    "stops only when no member's calendar can be read",
)
PAGES = (INTERVIEW, TOUR, SALES)
