"""Offline check of a RustBill licence file. Needs the package `cryptography`."""

import base64
import hashlib
import json
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

DAY = 86_400
BODY = rb"([A-Za-z0-9+/= \t\r\n]*)"
FILE = re.compile(
    rb"[ \t\r\n]*-----BEGIN LICENSE-----" + BODY + rb"-----END LICENSE-----"
    rb"[ \t\r\n]*-----BEGIN SIGNATURE-----" + BODY + rb"-----END SIGNATURE-----[ \t\r\n]*"
)


def _decode(block: bytes) -> bytes:
    text = re.sub(rb"[ \t\r\n]", b"", block)
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw) != text:
        raise ValueError("not canonical")
    return raw


def _thumbprint(x: str) -> str:
    digest = hashlib.sha256(b'{"crv":"Ed25519","kty":"OKP","x":"%s"}' % x.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _has_signed(x: str, payload: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "=")).verify(signature, payload)
        return True
    except InvalidSignature:
        return False


def _whole(value, least: int) -> bool:
    return type(value) is int and value >= least


def _well_formed(p: dict) -> bool:
    texts = ["customerId", "customerName", "productId", "productName"]
    dates = [p.get("issuedAt"), p.get("expiresAt")]
    features = p.get("features")
    return (
        all(isinstance(p.get(name), str) for name in texts)
        and isinstance(p.get("licenseId"), str)
        and re.fullmatch(r"[A-Z0-9][A-Z0-9-]{2,62}[A-Z0-9]", p["licenseId"]) is not None
        and all(isinstance(d, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", d) for d in dates)
        and isinstance(features, list)
        and all(isinstance(name, str) for name in features)
        and isinstance(p.get("entitlements"), dict)
        and ("maxActivations" not in p or _whole(p["maxActivations"], 1))
        and _whole(p.get("iat"), 0)
        and _whole(p.get("seq"), 1)
        and (_whole(p["exp"], 0) if "exp" in p else p["expiresAt"] == "9999-12-31")
    )


def verify(file: bytes, trusted: list[str], product_id: str, now: float, grace_days: float = 0, seen: dict | None = None):
    """`trusted`: the `x` of each key; `now`: Unix seconds; `seen`: licence key -> what this machine has seen of it.

    Answers ("valid", licence), or a reason and the licence when the signature is genuine: then store what `remember` answers.
    """
    found = FILE.fullmatch(file) if len(file) <= 65_536 else None
    if not found:
        return "malformed", None
    try:
        payload, signature = _decode(found[1]), _decode(found[2])
        licence = json.loads(payload.decode("utf-8"))
    except (ValueError, RecursionError):
        return "malformed", None
    if len(signature) != 64 or not isinstance(licence, dict) or not isinstance(licence.get("kid", ""), str):
        return "malformed", None

    keys = [x for x in trusted if "kid" not in licence or _thumbprint(x) == licence["kid"]]
    if not keys:
        return "unknown_key", None
    if not any(_has_signed(x, payload, signature) for x in keys):
        return "bad_signature", None
    if not _well_formed(licence):
        return "malformed", None

    seen = seen or {}
    last = seen.get(licence["licenseId"])
    if last and last.get("revoked"):
        return "revoked", licence
    # Times of the server count whatever the licence, that of this machine's clock for the newest file only.
    known = max((max(one["highestIat"], one.get("serverTime", 0)) for one in seen.values()), default=0)
    if last and licence["seq"] <= last["highestSeq"]:
        known = max(known, last.get("latestNow", 0))
    if "exp" in licence and max(now, known) >= licence["exp"] + grace_days * DAY:
        return "expired", licence
    if licence["iat"] > now + DAY:
        return "clock_rolled_back", licence
    if last and (licence["iat"] < last["highestIat"] or licence["seq"] < last["highestSeq"]):
        return "file_rolled_back", licence
    if now < known - DAY:
        return "clock_rolled_back", licence
    if licence["productId"] != product_id:
        return "wrong_product", licence
    return "valid", licence


def remember(seen: dict | None, licence: dict, now: float) -> dict:
    """What to store after a genuine file was looked at, whatever the answer was."""
    last = (seen or {}).get(licence["licenseId"], {"highestIat": 0, "highestSeq": 0})
    own = last.get("latestNow", -1) if licence["seq"] <= last["highestSeq"] else -1
    if "exp" in licence:
        own = max(own, int(now), 0)
    rest = {name: value for name, value in last.items() if name != "latestNow"}
    rest["highestIat"] = max(licence["iat"], last["highestIat"])
    rest["highestSeq"] = max(licence["seq"], last["highestSeq"])
    return {**(seen or {}), licence["licenseId"]: {**rest, **({"latestNow": own} if own >= 0 else {})}}
