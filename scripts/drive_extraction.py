"""Measures document extraction as a customer has it: over the API of a server of its own, taught by corrections.

    drive_extraction.py PROGRAM DATA [--ocr FOLDER] [what drive.py of DATA takes, e.g. --split dev --k 0,20 --limit 10]

DATA has drive.py, which uploads, corrects and scores, and a folder with set.json for each set.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

# What the key may ask a minute and an hour: the most that a key can be given.
LIMITS = {"perMinute": 1_000, "perHour": 10_000}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--ocr")
    given, more = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        env = os.environ | {"KEYWARD_DATA_DIR": folder}
        env |= {f"KEYWARD_{part}__LISTEN": "127.0.0.1:0" for part in ("EDGE", "DASHBOARD", "ADMIN")}
        if given.ocr:
            env["KEYWARD_EXTRACTION__READER__OCR"] = given.ocr
        setup = ["setup", "--organization", "O", "--email", "owner@example.com", "--agent", "A", "--output", "json"]
        made = json.loads(subprocess.run([given.program, *setup], env=env, check=True, stdout=subprocess.PIPE).stdout)
        server = subprocess.Popen([given.program, "serve"], env=env, stderr=subprocess.PIPE, text=True)
        try:
            return drive(given.data, ready(server), made, more)
        finally:
            server.terminate()
            server.wait()


def ready(server):
    """The address of the API, once it is there."""
    for line in server.stderr:
        said = json.loads(line) if line.startswith("{") else {}
        if said.get("message", "").startswith("ready"):
            return f"http://{said['edge']}"
    sys.exit("keyward: the server did not start")


def drive(data, base, made, more):
    request = urllib.request.Request(
        f"{base}/v1/console/agents/{made['agentId']}/api-keys",
        json.dumps({
            "name": "Measurement",
            "permissions": [f"document-extraction:{action}" for action in ("create", "read", "update", "delete")],
            "rateLimits": LIMITS,
        }).encode(),
        {"Authorization": f"Bearer {made['ownerToken']}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        key = json.load(answer)["data"]
    # By the environment: arguments can be read by others.
    secrets = {"KEYWARD_API_KEY": key["key"]["apiKey"], "KEYWARD_API_SECRET": key["secret"]}
    sets = [part for found in sorted(data.glob("*/labels.jsonl")) for part in ("--set", str(found.parent))]
    if "--set" in more:
        sets = []
    with tempfile.TemporaryDirectory() as out:
        call = [sys.executable, str(data / "drive.py"), "--base", base, "--agent", made["agentId"], "--out", out]
        return subprocess.run([*call, *sets, *more], env=os.environ | secrets).returncode


sys.exit(main())
