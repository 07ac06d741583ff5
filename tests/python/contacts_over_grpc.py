"""Calls ContactService over gRPC at Keyward's edge, as a user of grpcio does.

usage: contacts_over_grpc.py ADDRESS DESCRIPTORS, with {"apiKey", "apiSecret", "otherAgent"} on standard input.
DESCRIPTORS is a FileDescriptorSet, so nothing is generated. Prints what came of each call, as JSON.
"""

import json
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

SERVICE = "keyward.contacts.v1.ContactService"
DETAILS = "grpc-status-details-bin"


def main():
    address, descriptors = sys.argv[1:]
    given = json.load(sys.stdin)
    pool = descriptor_pool.DescriptorPool()
    with open(descriptors, "rb") as file:
        for proto in descriptor_pb2.FileDescriptorSet.FromString(file.read()).file:
            pool.Add(proto)
    key = [("x-api-key", given["apiKey"]), ("x-api-secret", given["apiSecret"])]
    wrong = [("x-api-key", given["apiKey"]), ("x-api-secret", given["apiSecret"][:-1])]
    contact = {"externalReferenceId": "ada", "name": "Ada", "email": "ada@example.com"}
    calls = [
        ("create", "CreateContact", {"contact": contact}, key),
        ("create again", "CreateContact", {"contact": contact}, key),
        ("create nothing", "CreateContact", {"contact": {}}, key),
        ("get", "GetContact", {"ref": "ada"}, key),
        ("list", "ListContacts", {"limit": 1}, key),
        ("replace", "ReplaceContact", {"ref": "bob", "upsert": True, "contact": {"email": "b@example.com"}}, key),
        ("delete", "DeleteContact", {"ref": "ada"}, key),
        ("get what is gone", "GetContact", {"ref": "ada"}, key),
        ("of another agent", "GetContact", {"agentId": given["otherAgent"], "ref": "bob"}, key),
        ("export", "ExportContacts", {}, key),
        ("no credentials", "GetContact", {"ref": "bob"}, []),
        ("a wrong secret", "GetContact", {"ref": "bob"}, wrong),
    ]
    with grpc.insecure_channel(address) as channel:
        json.dump([{"call": name} | make(channel, pool, *call) for name, *call in calls], sys.stdout)


def make(channel, pool, method, message, metadata):
    descriptor = pool.FindMethodByName(f"{SERVICE}.{method}")
    request, response = (
        message_factory.GetMessageClass(kind) for kind in (descriptor.input_type, descriptor.output_type)
    )
    # A stream is read to its end.
    is_stream = descriptor.server_streaming
    call = (channel.unary_stream if is_stream else channel.unary_unary)(
        f"/{SERVICE}/{method}",
        request_serializer=request.SerializeToString,
        response_deserializer=response.FromString,
    )
    try:
        sent = json_format.ParseDict(message, request())
        if is_stream:
            return {"answer": [json_format.MessageToDict(one) for one in call(sent, metadata=metadata, timeout=20)]}
        answer, made = call.with_call(sent, metadata=metadata, timeout=20)
        said = dict(made.initial_metadata())
        return {"answer": json_format.MessageToDict(answer), "rateLimit": said.get("ratelimit")}
    except grpc.RpcError as error:
        return {"code": error.code().name, "message": error.details()} | details(pool, error.trailing_metadata())


def details(pool, trailers):
    """The reason of the ErrorInfo, and the fields of the BadRequest."""
    status = message_factory.GetMessageClass(pool.FindMessageTypeByName("google.rpc.Status"))()
    status.ParseFromString(dict(trailers)[DETAILS])
    told = {}
    for detail in status.details:
        name = detail.type_url.removeprefix("type.googleapis.com/")
        value = message_factory.GetMessageClass(pool.FindMessageTypeByName(name))()
        detail.Unpack(value)
        told[name] = json_format.MessageToDict(value)
    info = told["google.rpc.ErrorInfo"]
    fields = told.get("google.rpc.BadRequest", {}).get("fieldViolations", [])
    return {"domain": info["domain"], "reason": info["reason"], "fields": [one["field"] for one in fields]}


if __name__ == "__main__":
    main()
