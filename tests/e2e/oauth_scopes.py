"""The checkboxes of Google's consent page, by what each permits."""

_PREFIX = "https://www.googleapis.com/auth/"

LIST = f"{_PREFIX}calendar.calendarlist.readonly"
CHECK = f"{_PREFIX}calendar.freebusy"
ADD = f"{_PREFIX}calendar.events"
