"""The secrets that sign webhooks, in the store: apart from accounts, encrypted, and read with what they sign."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from msgspec.structs import replace

from calguard_server.domain.delivery import Delivery, DeliveryState
from calguard_server.domain.notices import Channel, NoticeKind
from calguard_server.domain.secret import Secret
from calguard_server.domain.webhook import Webhook, WebhookWish
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import Unit, WorkingSet
from calguard_server.store.migrate import migrations
from tests.fakes.service import Service, make_account, of_each_channel, open_test_store, running_service
from tests.fakes.world import START, CountingIds, ManualClock
from tests.unit.builders import make_delivery

SECRET = Secret("whsec_canary")
WISH = WebhookWish("https://hooks.example/", SECRET)
LEASE = timedelta(minutes=2)


def a_delivery(channel: Channel, account_id: str = "ann") -> Delivery:
    fields = {"recipient_account_id": account_id, "channel": channel, "faults": (), "next_attempt_time": START}
    owed = make_delivery(NoticeKind.LINK_FAILED, id=f"{account_id}-{channel}", state=DeliveryState.PENDING)
    return replace(owed, **fields)


async def owe(service: Service, *deliveries: Delivery) -> None:
    def decide(rows: WorkingSet) -> None:
        for delivery in deliveries:
            rows.append_delivery(delivery)

    await service.store.transact(Unit(Seeds(), decide))


async def test_a_claim_has_the_secret_of_what_goes_by_webhook_alone(tmp_path: Path) -> None:
    """Not of what goes to the same account in another way, nor another account's."""
    async with running_service(tmp_path / "db") as service:
        await service.accounts.create(make_account("ann"), webhook=WISH)
        await service.accounts.create(make_account("ben"))
        await owe(service, *(a_delivery(channel) for channel in Channel), a_delivery(Channel.WEBHOOK, "ben"))
        claimed = await service.store.claim_deliveries(START, LEASE, of_each_channel(10))
        secrets = {(each.delivery.recipient_account_id, each.delivery.channel): each.webhook_secret for each in claimed}
    assert len(secrets) == 4
    assert {key for key, secret in secrets.items() if secret} == {("ann", Channel.WEBHOOK)}
    assert secrets["ann", Channel.WEBHOOK] == SECRET


async def test_a_secret_that_no_key_opens_is_none(tmp_path: Path) -> None:
    """The claim holds all the same: others of it can be sent."""
    async with running_service(tmp_path / "db") as service:
        await service.accounts.create(make_account("ann"), webhook=WISH)
        await owe(service, a_delivery(Channel.WEBHOOK))
    other = Secret(Fernet.generate_key().decode())
    store = await open_test_store(tmp_path / "db", ManualClock(), CountingIds(), other)
    [claimed] = await store.claim_deliveries(START, LEASE, of_each_channel(10))
    await store.close()
    assert claimed.webhook_secret is None


async def test_a_unit_that_raises_leaves_the_secret(tmp_path: Path) -> None:
    """It is saved with what else its unit changes, or not at all."""
    async with running_service(tmp_path / "db") as service:
        account = await service.accounts.create(make_account("ann"), webhook=WISH)

        def decide(rows: WorkingSet) -> None:
            rows.put_webhook_secret("ann", Secret("whsec_other"))
            raise LookupError

        with pytest.raises(LookupError):
            await service.store.transact(Unit(Seeds(accounts=("ann",)), decide))
        await owe(service, a_delivery(Channel.WEBHOOK))
        [claimed] = await service.store.claim_deliveries(START, LEASE, of_each_channel(10))
    assert (claimed.webhook_secret, claimed.recipient) == (SECRET, account)


async def test_accounts_of_an_older_schema_have_no_webhook(tmp_path: Path) -> None:
    """They are read, and can be given one."""
    path = tmp_path / "db"
    before = [script for number, script in migrations() if number < 10]
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("\n".join(before))
        connection.execute(
            "INSERT INTO accounts (id, display_name, email, locale, slack_workspace_id, slack_user_id,"
            " slack_channel_id, revision, create_time, update_time)"
            " VALUES ('ann', 'Ann', '', 'en', '', '', '', 1, 0, 0)"
        )
        connection.execute("PRAGMA user_version = 9")
        connection.commit()
    async with running_service(path) as service:
        assert (await service.accounts.get("ann")).webhook == Webhook()
        assert (await service.accounts.update("ann", {"webhook": WISH})).webhook == Webhook(WISH.url, 1)
