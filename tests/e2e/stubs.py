"""The services as tests call them: the stubs, and what most tests ask of them."""

from collections.abc import Awaitable, Iterable
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import grpc.aio
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from calguard.v1 import account_pb2 as accounts_pb
from calguard.v1 import (
    account_pb2_grpc,
    appointment_pb2_grpc,
    booking_page_pb2_grpc,
    calendar_link_pb2_grpc,
    notification_pb2_grpc,
    server_pb2_grpc,
    slack_workspace_pb2_grpc,
)
from calguard.v1 import appointment_pb2 as appointments_pb
from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import notification_pb2 as notices_pb
from calguard.v1 import server_pb2 as server_pb
from calguard.v1 import slack_workspace_pb2 as slack_pb
from calguard_client.refusal import Refusal
from tests.e2e.watching import Watcher
from tests.leaks import emitted

Mode = pages_pb.SchedulingMode.ValueType
Scopes = Iterable[str] | Literal["all"]
Heard = tuple[str, str, str]
"""A channel, an e-mail address or a Slack channel's name, and what the message is called."""

ALL, ANY, AUTO = (
    pages_pb.SCHEDULING_MODE_ALL_MEMBERS,
    pages_pb.SCHEDULING_MODE_ANY_MEMBER,
    pages_pb.SCHEDULING_MODE_AUTO_ASSIGN,
)
UNDER_WAY = (
    notices_pb.NOTIFICATION_STATE_PENDING,
    notices_pb.NOTIFICATION_STATE_SENDING,
    notices_pb.NOTIFICATION_STATE_RETRYING,
)


class Stubs:
    """Every service over one channel."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel
        self.accounts: Any = account_pb2_grpc.AccountServiceStub(channel)
        self.appointments: Any = appointment_pb2_grpc.AppointmentServiceStub(channel)
        self.links: Any = calendar_link_pb2_grpc.CalendarLinkServiceStub(channel)
        self.pages: Any = booking_page_pb2_grpc.BookingPageServiceStub(channel)
        self.notices: Any = notification_pb2_grpc.NotificationServiceStub(channel)
        self.server: Any = server_pb2_grpc.ServerServiceStub(channel)
        self.slack: Any = slack_workspace_pb2_grpc.SlackWorkspaceServiceStub(channel)

    async def add_account(self, account_id: str, **fields: object) -> accounts_pb.Account:
        address = f"{account_id}@example.com" if account_id else ""
        fields = {"display_name": account_id.title(), "email": address} | fields
        account = accounts_pb.Account(id=account_id, **fields)
        created = await self.accounts.CreateAccount(accounts_pb.CreateAccountRequest(account=account))
        return created.account

    async def add_page(
        self, page_id: str, mode: Mode, owner: str, *members: str, **fields: object
    ) -> pages_pb.BookingPage:
        page = pages_pb.BookingPage(
            id=page_id,
            owner_account_id=owner,
            title=fields.pop("title", f"Page {page_id}"),
            scheduling_mode=mode,
            members=[pages_pb.BookingPageMember(account_id=member) for member in members],
            **fields,
        )
        created = await self.pages.CreateBookingPage(pages_pb.CreateBookingPageRequest(booking_page=page))
        return created.booking_page

    async def page(self, page_id: str) -> pages_pb.BookingPage:
        return (await self.pages.GetBookingPage(pages_pb.GetBookingPageRequest(id=page_id))).booking_page

    async def change_page(self, page: pages_pb.BookingPage, *paths: str) -> pages_pb.BookingPage:
        request = pages_pb.UpdateBookingPageRequest(booking_page=page, update_mask=FieldMask(paths=paths))
        return (await self.pages.UpdateBookingPage(request)).booking_page

    async def set_members(self, page_id: str, *members: str) -> pages_pb.BookingPage:
        named = [pages_pb.BookingPageMember(account_id=member) for member in members]
        return await self.change_page(pages_pb.BookingPage(id=page_id, members=named), "members")

    async def set_mode(self, page_id: str, mode: Mode) -> pages_pb.BookingPage:
        return await self.change_page(pages_pb.BookingPage(id=page_id, scheduling_mode=mode), "scheduling_mode")

    async def stop_page(self, page_id: str) -> pages_pb.BookingPage:
        return (await self.pages.StopBookingPage(pages_pb.StopBookingPageRequest(id=page_id))).booking_page

    async def resume_page(self, page_id: str) -> pages_pb.BookingPage:
        return (await self.pages.ResumeBookingPage(pages_pb.ResumeBookingPageRequest(id=page_id))).booking_page

    async def explain(self, page_id: str, **assumed: Iterable[str]) -> pages_pb.ExplainBookingPageResponse:
        return await self.pages.ExplainBookingPage(pages_pb.ExplainBookingPageRequest(id=page_id, **assumed))

    async def all_pages(self) -> list[pages_pb.BookingPage]:
        return list((await self.pages.ListBookingPages(pages_pb.ListBookingPagesRequest(page_size=1000))).booking_pages)

    async def all_links(self, account_id: str = "") -> list[links_pb.CalendarLink]:
        request = links_pb.ListCalendarLinksRequest(account_id=account_id, page_size=1000)
        return list((await self.links.ListCalendarLinks(request)).calendar_links)

    async def calendar_link(self, link_id: str) -> links_pb.CalendarLink:
        return (await self.links.GetCalendarLink(links_pb.GetCalendarLinkRequest(id=link_id))).calendar_link

    async def availability(
        self, page_id: str, start: datetime, end: datetime, duration: timedelta
    ) -> appointments_pb.QueryAvailabilityResponse:
        request = appointments_pb.QueryAvailabilityRequest(booking_page_id=page_id)
        request.start_time.FromDatetime(start)
        request.end_time.FromDatetime(end)
        request.duration.FromTimedelta(duration)
        return await self.appointments.QueryAvailability(request)

    async def check(self, link_id: str) -> links_pb.CalendarLink:
        return (await self.links.CheckCalendarLink(links_pb.CheckCalendarLinkRequest(id=link_id))).calendar_link

    async def diagnose(self, link_id: str) -> list[links_pb.DiagnosisStep]:
        """Every step of a diagnosis that runs to its end."""
        stream = self.links.DiagnoseCalendarLink(links_pb.DiagnoseCalendarLinkRequest(id=link_id))
        return [message.step async for message in stream]

    async def report(self, link_id: str, **fields: object) -> links_pb.ReportCalendarFailureResponse:
        request = links_pb.ReportCalendarFailureRequest(calendar_link_id=link_id, **fields)
        return await self.links.ReportCalendarFailure(request)

    async def begin(self, account_id: str, **fields: object) -> links_pb.BeginCalendarLinkResponse:
        fields = {"select_primary": True} | fields
        return await self.links.BeginCalendarLink(links_pb.BeginCalendarLinkRequest(account_id=account_id, **fields))

    async def complete(self, state: str, code: str) -> links_pb.CalendarLink:
        request = links_pb.CompleteCalendarLinkRequest(state=state, code=code)
        return (await self.links.CompleteCalendarLink(request)).calendar_link

    async def calendars(self, link_id: str) -> dict[str, links_pb.Calendar]:
        listed = await self.links.ListCalendars(links_pb.ListCalendarsRequest(calendar_link_id=link_id))
        return {calendar.id: calendar for calendar in listed.calendars}

    async def select(self, link_id: str, check: Iterable[str], add: str, **fields: object) -> links_pb.CalendarLink:
        request = links_pb.SelectCalendarsRequest(id=link_id, check_calendar_ids=check, add_calendar_id=add, **fields)
        return (await self.links.SelectCalendars(request)).calendar_link

    async def disconnect(self, link_id: str) -> links_pb.DisconnectCalendarLinkResponse:
        return await self.links.DisconnectCalendarLink(links_pb.DisconnectCalendarLinkRequest(id=link_id))

    async def delete_account(self, account_id: str) -> None:
        await self.accounts.DeleteAccount(accounts_pb.DeleteAccountRequest(id=account_id))

    async def notifications(self) -> list[notices_pb.Notification]:
        listed = await self.notices.ListNotifications(notices_pb.ListNotificationsRequest(page_size=1000))
        return list(listed.notifications)

    async def server_status(self) -> server_pb.ServerStatus:
        return (await self.server.GetServerStatus(server_pb.GetServerStatusRequest())).server_status

    async def put_slack(self, workspace_id: str, token: str, **fields: object) -> slack_pb.SlackWorkspace:
        request = slack_pb.PutSlackWorkspaceRequest(id=workspace_id, bot_token=token, **fields)
        return (await self.slack.PutSlackWorkspace(request)).slack_workspace

    async def slack_workspace(self, workspace_id: str) -> slack_pb.SlackWorkspace:
        request = slack_pb.GetSlackWorkspaceRequest(id=workspace_id)
        return (await self.slack.GetSlackWorkspace(request)).slack_workspace

    async def slack_workspaces(self) -> list[slack_pb.SlackWorkspace]:
        listed = await self.slack.ListSlackWorkspaces(slack_pb.ListSlackWorkspacesRequest(page_size=1000))
        return list(listed.slack_workspaces)

    async def delete_slack(self, workspace_id: str, **fields: object) -> None:
        await self.slack.DeleteSlackWorkspace(slack_pb.DeleteSlackWorkspaceRequest(id=workspace_id, **fields))

    def watch(self, **fields: object) -> Watcher:
        return Watcher(self.channel, **fields)


async def refused(call: Awaitable[object]) -> Refusal:
    """How a call was refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    refusal = Refusal.of(caught.value)
    emitted("a refusal", str(refusal))
    return refusal


def told(refusal: Refusal) -> tuple[str, str]:
    """A refusal's status and reason."""
    return refusal.code.name, refusal.reason


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
