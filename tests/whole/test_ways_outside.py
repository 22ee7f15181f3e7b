"""The whole way to programs and by Apprise: a real server, a real engine, real receivers."""

from pathlib import Path

import aiohttp
from aiohttp import web

from tests.fakes.apprise import Sink
from tests.fakes.webhook import FakeReceiver
from tests.processes import running_server
from tests.whole.test_notifications import ask, fail, push


async def test_a_program_hears_of_an_incident_its_end_and_a_push_whatever_fails_meanwhile(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async with FakeReceiver() as receiver:
        env = {
            "WEBHOOK_URLS": receiver.address,
            "WEBHOOK_SECRET": receiver.secret,
            "GITHUB_WEBHOOK_SECRET": "s3cret",
            "PUBLIC_URL": "https://pushlog.example",
        }
        receiver.answers = [web.Response(status=503, headers={"Retry-After": "1"})]
        async with running_server(tmp_path, env=env) as server:
            await fail(http, server, "shop")
            await server.log.wait_for(
                r"webhook inc-.* not delivered: the receiver answered HTTP 503"
            )
            (opened,) = await receiver.wait_for(1)
            assert opened.body["type"] == "incident.opened"
            incident_id = opened.body["data"]["incident_id"]
            assert opened.body["data"]["url"] == f"https://pushlog.example/incidents/{incident_id}"
            url = f"{server.url}/api/incidents/{incident_id}/resolve"
            async with http.post(url) as response:
                assert response.status == 202
            ended = (await receiver.wait_for(2))[1]
            assert ended.body["type"] == "incident.ended"
            assert ended.body["data"]["end_reason"] == "resolved by operator"
            await push(http, server, "s3cret")
            pushed = (await receiver.wait_for(3))[2]
            assert pushed.body["type"] == "deploy.pushed"
            assert pushed.body["data"]["commits"][0]["subject"] == "Round prices half up"
            async with http.post(f"{server.url}/api/channels/webhook/test") as response:
                assert response.status == 200, await response.text()
                named = (await response.json())["receiver"]
            assert named.startswith("127.0.0.1#")
            assert (await receiver.wait_for(4))[3].body["type"] == "test"
            found = await ask(http, server, "/api/deliveries?channel=webhook")
            assert {each["receiver"] for each in found["deliveries"]} == {named}
            assert found["counts"]["sent"] + found["counts"]["sending"] == 3
            assert await server.interrupt() == 0
            assert "s3cret-" not in server.log.text()
    assert receiver.ids[0] == receiver.ids[1] == opened.id
    assert len({each.id for each in receiver.calls}) == 4


async def test_people_are_told_by_apprise_whatever_fails_meanwhile(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async with Sink() as sink:
        sink.statuses = [500]
        env = {"APPRISE_URLS": sink.address, "PUBLIC_URL": "https://pushlog.example"}
        async with running_server(tmp_path, env=env) as server:
            await fail(http, server, "shop")
            await server.log.wait_for(r"apprise inc-.* not delivered: Apprise did not deliver it")
            await sink.wait_for(1)
            (incident,) = (await ask(http, server, "/api/incidents"))["incidents"]
            url = f"{server.url}/api/incidents/{incident['incident_id']}"
            assert f"/incidents/{incident['incident_id']}" in sink.messages[0]["message"]
            async with http.post(f"{url}/resolve") as response:
                assert response.status == 202
            await sink.wait_for(2)
            assert "error ended in shop/production" in sink.messages[1]["title"]
            async with http.post(f"{server.url}/api/channels/apprise/test") as response:
                assert response.status == 200, await response.text()
            await sink.wait_for(3)
            found = await ask(http, server, "/api/deliveries?channel=apprise")
            assert {each["receiver"].partition("#")[0] for each in found["deliveries"]} == {"json"}
            assert "s3cret" not in str(found)
            assert await server.interrupt() == 0
            assert "s3cret" not in server.log.text()
