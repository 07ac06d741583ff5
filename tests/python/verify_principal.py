"""Verifies a principal token as a service of one's own would, in Python.

    verify_principal.py JWKS_URL AUDIENCE < token

Prints the claims as JSON. A token that is not good for the audience ends it with 1 and the reason's name.
"""

import json
import sys

import jwt

TYPE = "keyward-principal+jwt"
ISSUER = "keyward"
REQUIRED = ["iss", "aud", "sub", "iat", "exp", "kind", "org"]


def verify(token: str, jwks_url: str, audience: str) -> dict:
    # A service keeps the client: it remembers the keys for five minutes, and fetches an unknown one.
    keys = jwt.PyJWKClient(jwks_url, lifespan=300)
    # RFC 8725: an explicit type, so that no other kind of token is taken for this one.
    if jwt.get_unverified_header(token).get("typ") != TYPE:
        raise jwt.InvalidTokenError("not a principal token")
    return jwt.decode(
        token,
        keys.get_signing_key_from_jwt(token),
        # One algorithm, whatever the token says.
        algorithms=["EdDSA"],
        audience=audience,
        issuer=ISSUER,
        options={"require": REQUIRED},
    )


def main() -> int:
    _, jwks_url, audience = sys.argv
    try:
        claims = verify(sys.stdin.read().strip(), jwks_url, audience)
    except jwt.PyJWTError as error:
        print(type(error).__name__, file=sys.stderr)
        return 1
    json.dump(claims, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
