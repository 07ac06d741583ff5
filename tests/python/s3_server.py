"""Serves S3 for tests: moto's server, which keeps everything in memory, checks signatures, and has one bucket.

Prints one line of JSON when it listens: the endpoint, the bucket, and the credentials that it takes. Ends with its
standard input, so that none outlives its test.
"""

import json
import logging
import os
import sys
import threading

# Every request is checked once there is a user.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "0"
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"

from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

BUCKET = "keyward"
POLICY = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}


def main():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    iam = get_backend("iam")[DEFAULT_ACCOUNT_ID]["aws"]
    iam.create_user("us-east-1", user_name="keyward", path="/", tags=[])
    iam.put_user_policy("keyward", "all", json.dumps(POLICY))
    key = iam.create_access_key("keyward")
    get_backend("s3")[DEFAULT_ACCOUNT_ID]["aws"].create_bucket(BUCKET, "us-east-1")
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(
        json.dumps(
            {
                "endpoint": f"http://127.0.0.1:{server.server_port}",
                "bucket": BUCKET,
                "access_key_id": key.access_key_id,
                "secret_access_key": key.secret_access_key,
            }
        ),
        flush=True,
    )
    sys.stdin.read()


main()
