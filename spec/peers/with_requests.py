"""Python's requests against the server of http_peer_spec: with_requests.py URL"""

import sys

import requests

base = sys.argv[1]
session = requests.Session()


def get(path, **options):
    return session.get(base + path, timeout=20, **options)


def post(path, **options):
    return session.post(base + path, timeout=20, **options)


answer = get("/hello")
assert (answer.status_code, answer.reason, answer.text) == (200, "OK", "hello"), answer
assert answer.headers["Content-Length"] == "5" and answer.headers["Date"].endswith(" GMT")
assert session.head(base + "/hello", timeout=20).headers["Content-Length"] == "5"
assert get("/json").json() == {"name": "chuck", "list": [1, 2, 3]}
assert get("/query", params={"name": "ä & b", "other": "1"}).text == "ä & b"
assert post("/echo", data=b"\0\xff" * 50000).content == b"\0\xff" * 50000
assert post("/echo", data=(b"x" * size for size in (1, 1000, 70000))).content == b"x" * 71001
assert post("/form", data={"name": "ä + b", "other": "1"}).json()["name"] == "ä + b"
files = {"file": ("a b.txt", b"\r\n--x" * 20000), "other": ("c", b"")}
assert post("/multipart", data={"plain": "1"}, files=files).json() == {
    "plain": 1,
    "file": 100000,
    "other": 0,
}
assert get("/chunks").text == "".join(f"piece {i}\n" for i in range(1, 11))
with get("/large?size=3000000", stream=True) as answer:
    assert sum(len(piece) for piece in answer.iter_content(50000)) == 3000000
answer = get("/redirect")
assert answer.text == "hello" and [step.status_code for step in answer.history] == [302]
get("/cookies")
assert session.cookies.get_dict() == {"one": "1", "two": "2"}, session.cookies
assert get("/cookies/show").text == "1 and 2"
assert get("/missing").status_code == 404
assert get("/boom").status_code == 500
assert get("/nothing").status_code == 204
assert get("/twice").headers["X-Twice"] == "1, 2"
answer = get("/file", headers={"Range": "bytes=8-15"})
assert (answer.status_code, answer.text) == (206, "00000002"), answer.text
tag = get("/file").headers["ETag"]
assert get("/file", headers={"If-None-Match": tag}).status_code == 304
print("connections", get("/connections").text)
print("fine")
