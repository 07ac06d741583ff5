"""Verifies messages as a receiver does, with the library of Standard Webhooks.

Reads {"secret", "headers", "body"} as JSON from the standard input, and prints what the message holds.
"""

import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError

message = json.load(sys.stdin)
try:
    data = Webhook(message["secret"]).verify(message["body"], message["headers"])
except WebhookVerificationError as error:
    sys.exit(str(error))
json.dump(data, sys.stdout)
