"""The control API: JSON over HTTP, on a port of its own. docs/sandbox.md describes each call.

    GET    /                                             these routes
    GET    /state                                        users, calendars, grants, channels, people, rules
    POST   /reset                                        back to the seeded state
    GET    /faults/catalogue                             every fault by name
    GET    /faults          POST /faults                 the rules in force; add one
    DELETE /faults          DELETE /faults/{id}          lift all (and drop what hangs); lift one
    PUT    /listeners/{surface}                          {up}: refuse connections, or listen again
    POST   /google/consent                               {authorization_url, email, scopes?, deny?}
    POST   /google/users                                 {email, name?}
    DELETE /google/users/{email}                         delete the account
    POST   /google/users/{email}/restore                 bring it back
    POST   /google/users/{email}/revoke                  remove the app's access
    POST   /google/users/{email}/drop-scopes             {scopes}
    POST   /google/users/{email}/expire-access-tokens
    PUT    /google/users/{email}/calendar-service        {enabled}
    POST   /google/users/{email}/calendars               {id, summary, role?, time_zone?}
    PUT    /google/users/{email}/calendars/{id}          {role}: share, or change the role
    DELETE /google/users/{email}/calendars/{id}          unshare
    DELETE /google/calendars/{id}                        delete it for everybody
    PUT    /google/calendars/{id}/busy                   {busy: [{start, end, transparent?, recurrence?, declined?}]}
    GET    /google/calendars/{id}/events                 as the API shows them
    PUT    /google/client                                {deleted?, testing?}
    GET    /google/requests      DELETE /google/requests
    POST   /slack/workspaces                             {team, token, name?}
    POST   /slack/users                                  {email, name?}
    PUT    /slack/users/{email}                          {deactivated?, messages_tab?}
    POST   /slack/channels                               {name}
    PUT    /slack/channels/{channel}                     {archived?, member?, restricted?}
    PUT    /slack/token                                  {token?, error?, scopes?}: kill, or add and revive
    PUT    /slack/pace                                   {paced}: refuse a channel's second message within a second
    DELETE /slack/messages/{channel}/{ts}                delete a message, as a person does
    GET    /slack/messages       DELETE /slack/messages
    GET    /slack/updates        DELETE /slack/updates
    GET    /slack/requests       DELETE /slack/requests
    GET    /mail                 DELETE /mail
    GET    /mail/certificate                             PEM, for STARTTLS

What is said of Slack takes `?team=`; without, it is the seeded workspace.
Lists of what was received take `?after=N`, and `wait_seconds` and `count` to wait until that many have come.
Bad input is 400 `{"error": {"field", "message"}}`, something unknown 404, and nothing has changed.
"""

from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.typedefs import Handler

from calguard_sandbox.control.faults import FaultRoutes
from calguard_sandbox.control.google import GoogleRoutes
from calguard_sandbox.control.received import ReceivedRoutes
from calguard_sandbox.control.slack import SlackRoutes
from calguard_sandbox.control.whole import WholeRoutes
from calguard_sandbox.errors import BadFieldError, NotKnownError

if TYPE_CHECKING:
    from calguard_sandbox.sandbox import Sandbox


def control_app(sandbox: "Sandbox") -> web.Application:
    """The application."""
    app = web.Application(middlewares=[answer_errors])
    app.router.add_get("/", _index)
    for routes in (
        WholeRoutes(sandbox),
        FaultRoutes(sandbox.faults),
        GoogleRoutes(sandbox.google, sandbox.consent),
        SlackRoutes(sandbox.slack_workspaces),
        ReceivedRoutes(sandbox),
    ):
        app.add_routes(routes.routes())
    return app


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors as JSON: the caller's with the field at fault."""
    try:
        return await handler(request)
    except BadFieldError as error:
        return _error(400, error.message, error.field)
    except NotKnownError as error:
        return _error(404, str(error), error.kind)
    except web.HTTPException as error:
        return _error(error.status, f"{error.reason}; GET / lists the routes", "path")


def _error(status: int, message: str, field: str) -> web.Response:
    return web.json_response({"error": {"field": field, "message": message}}, status=status)


async def _index(_request: web.Request) -> web.Response:
    return web.Response(text=__doc__, content_type="text/plain")
