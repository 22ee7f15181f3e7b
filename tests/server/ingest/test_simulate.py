"""The simulated incident looks like one of Sentry's, and is marked as a test."""

from server.ingest.simulate import RESOURCE, simulated_payload
from tests.server.ingest.sentry_payloads import RECEIVED, event_of, parsed


def test_a_simulation_is_an_event_in_production_that_always_notifies() -> None:
    event = event_of(simulated_payload(RECEIVED, "token"), RESOURCE)
    assert event.unique
    assert event.exception_type == "SimulatedIncident"
    assert (event.service, event.environment) == ("simulated-shop", "production")
    assert event.timestamp == RECEIVED
    assert event.stacktrace[0].function == "charge_card"
    assert event.notes == []


def test_each_token_is_a_delivery_of_its_own() -> None:
    bodies = [simulated_payload(RECEIVED, token) for token in ("a", "b", "a")]
    first, second, again = (parsed(body, RESOURCE).identity for body in bodies)
    assert first != second
    assert first == again
