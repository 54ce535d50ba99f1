"""Python's httpx against the server of http_peer_spec: with_httpx.py URL"""

import sys

import httpx

with httpx.Client(base_url=sys.argv[1], timeout=20, trust_env=False) as client:
    answer = client.get("/hello")
    assert (answer.http_version, answer.status_code, answer.text) == ("HTTP/1.1", 200, "hello")
    assert client.post("/echo", content=b"x" * 100000).content == b"x" * 100000
    assert client.post("/echo", content=iter([b"a" * 70000, b"b"])).content == b"a" * 70000 + b"b"
    assert client.post("/form", data={"name": "ä"}).json()["name"] == "ä"
    files = {"file": ("ü.bin", b"\0" * 100000)}
    assert client.post("/multipart", files=files).json() == {"file": 100000}
    with client.stream("GET", "/large?size=3000000") as answer:
        assert sum(map(len, answer.iter_bytes())) == 3000000
    with client.stream("GET", "/large?size=3000000") as answer:
        next(answer.iter_bytes())  # and is gone
    assert client.get("/redirect", follow_redirects=True).text == "hello"
    assert client.get("/boom").status_code == 500
    with client.stream("GET", "/events") as answer:
        lines = [line.strip() for line in answer.iter_lines()]
    assert [line for line in lines if line.startswith("data")] == ["data: 1", "data: 2", "data: 3"]
print("fine")
