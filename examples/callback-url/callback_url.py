"""The callback URL of one job: CALLBACK_SECRET=… python3 callback_url.py BASE_URL PLATFORM ENDPOINT KIND CALLBACK_ID

Without arguments, it tests itself.
"""

import base64
import hashlib
import hmac
import os
import re
import sys


def callback_url(secret, base_url, platform, endpoint, kind, callback_id):
    """The URL to hand to the platform when the job is started."""
    if not all(re.fullmatch(r"[A-Za-z0-9_.-]+", part) for part in (platform, endpoint, kind)):
        raise ValueError("the platform, the endpoint and the kind are parts of a path")
    if not 1 <= len(callback_id.encode()) <= 256:
        raise ValueError("a callback_id in a URL has 1 to 256 bytes")
    correlation = base64.urlsafe_b64encode(callback_id.encode()).rstrip(b"=").decode()
    token = token_of(secret, f"{platform}/{endpoint}/{kind}/{callback_id}")
    return f"{base_url.rstrip('/')}/webhooks/{platform}/{endpoint}/{kind}/{correlation}/{token}"


def token_of(secret, text):
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def test():
    key = "capability-key-1"
    assert token_of(key, "tavus/main/order_12345") == "2a4ada7244113f16764959d64409774e05f747f596ca8ab01f6059773dd5784b"
    assert token_of(key, "did/main/order_12345") == "ec74d9eb594c0cc3f15b87245d229c5fd9962b55dac881d3dd33c328294fcfcb"
    url = callback_url(key, "https://hooks.example.invalid/", "did", "main", "talk", "Auftrag/ü 1")
    path, token = "/webhooks/did/main/talk/QXVmdHJhZy_DvCAx/", "4b7bfbcab926557d85429683268337ba435fa8abece231bc0c325f9ef4e4c34e"
    assert url == f"https://hooks.example.invalid{path}{token}"


if __name__ == "__main__":
    if sys.argv[1:]:
        print(callback_url(os.environ["CALLBACK_SECRET"], *sys.argv[1:]))
    else:
        test()
        print("ok")
