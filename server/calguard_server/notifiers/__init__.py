"""Telling people: e-mail and Slack, in English and Japanese.

A message's facts (`message`) are put into words (`wording`, `letter`), laid out for a channel (`templates`, `blocks`)
and sent by one of two notifiers, which answer with an outcome and never raise for what the receiver answered.
"""
