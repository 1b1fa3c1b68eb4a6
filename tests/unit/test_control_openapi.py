"""The OpenAPI document says what the operations do."""

from typing import Any

from sbcsim.control.openapi import document
from sbcsim.control.operations import OPERATIONS, STREAM_PATH


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        found = {value["$ref"]} if "$ref" in value else set()
        return found.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def test_every_operation_is_there_and_every_reference_resolves() -> None:
    described = document("0.1", token=False)
    assert described["openapi"].startswith("3.1")
    for operation in OPERATIONS:
        assert operation.method.lower() in described["paths"][operation.path]
    assert "get" in described["paths"][STREAM_PATH]
    names = {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}
    assert references(described) <= names
    identifiers = [each["operationId"] for methods in described["paths"].values() for each in methods.values()]
    assert len(set(identifiers)) == len(identifiers)


def test_values_carry_the_names_of_the_contract() -> None:
    schemas = document("0.1", token=False)["components"]["schemas"]
    contract = (
        "id direction local remote sipSigPort tlsProfile localCertificate peerCertificate resumed since lastUsed "
        "messagesIn messagesOut"
    )
    assert set(contract.split()) <= set(schemas["Connection"]["properties"])
    assert set(schemas["LocalCertificate"]["properties"]) == {"name", "serial", "notAfter"}
    assert set(schemas["PeerCertificate"]["properties"]) == {"subject", "serial", "notAfter"}
    ready = "version pid cli sftp netconf rest control cert_dir now sip"
    assert list(schemas["Ready"]["properties"]) == [*ready.split(), "servers"]
    assert list(schemas["SipListener"]["properties"]) == [
        "addressContext",
        "zone",
        "sipSigPort",
        "transport",
        "address",
    ]


def test_a_token_is_described_only_where_it_is_needed() -> None:
    assert "security" not in document("0.1", token=False)
    assert document("0.1", token=True)["security"] == [{"token": []}]
