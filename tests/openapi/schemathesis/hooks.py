"""What OpenAPI cannot say of values, for schemathesis to make good ones."""

import datetime

import schemathesis
from hypothesis import strategies as st

# An expiry lies in the future.
FUTURE = {"min_value": datetime.datetime(2100, 1, 1), "max_value": datetime.datetime(9000, 1, 1)}
TIMES = st.datetimes(**FUTURE).map(lambda time: time.isoformat(timespec="milliseconds") + "Z")
schemathesis.openapi.format("date-time", TIMES)
schemathesis.openapi.format("date", st.datetimes(**FUTURE).map(lambda time: time.date().isoformat()))

# Formats that are Keyward's own, or that it reads as mail servers do.
schemathesis.openapi.format("ip-range", st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str))
WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=20)
schemathesis.openapi.format("email", st.builds("{}@{}.example".format, WORDS, WORDS))

TAGS = st.builds('{}"{}"'.format, st.sampled_from(["", "W/"]), st.text("0123456789abcXYZ", max_size=9))
LISTS = st.lists(TAGS, min_size=1, max_size=3).map(", ".join)
schemathesis.openapi.format("entity-tags", st.one_of(st.just("*"), LISTS))


PHONE = "+447700900123"


@schemathesis.hook
def before_call(context, case, kwargs):
    """What must agree with something outside of the request is taken out of good ones."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    # A cursor comes from a list and cannot be made up.
    for cursor in ("cursor", "since"):
        case.query.pop(cursor, None)
    # A phone number is one of a country.
    if case.query.get("mobileNumber"):
        case.query["mobileNumber"] = PHONE
    # What is told of usage and by the audit log has happened, the beginning before the end.
    if case.path.endswith(("/usage", "/audit-log", "/audit-log:export")):
        case.query.pop("from", None)
        case.query.pop("to", None)
    if isinstance(case.body, dict):
        if case.body.get("mobileNumber"):
            case.body["mobileNumber"] = PHONE
        # Corrections come as one of two.
        if "corrections" in case.body:
            case.body.pop("fields", None)
        # The times that are learnt from answers have passed.
        case.body.pop("expiresAt", None)
        # A contact that is replaced keeps its own reference.
        if case.method == "PUT":
            case.body.pop("externalReferenceId", None)
