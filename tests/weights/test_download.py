import hashlib
import io
import sys
import threading
import zipfile

import pytest

from mirabench.errors import MissingExtraError, OutputError, WeightsError
from mirabench.weights import Evidence

CONTENT = bytes(range(256)) * 400
OTHER = CONTENT[::-1]


def leftovers(store):
    names = {path.name for path in store.folder.iterdir()}
    return names - {"net.pth", "lock.json", "lock.guard", "net.pth.guard"}


def test_a_download_is_verified_and_leaves_nothing_else(server, make_card, make_store):
    card = make_card(server.add("net.pth", CONTENT), content=CONTENT)
    store = make_store(card)
    seen = []
    found = store.download(card, lambda done, total: seen.append((done, total)))
    assert found.path.read_bytes() == CONTENT
    assert found.evidence is Evidence.PUBLISHED
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert leftovers(store) == set()


def test_a_second_download_asks_the_server_nothing(server, make_card, make_store):
    card = make_card(server.add("net.pth", CONTENT), content=CONTENT)
    store = make_store(card)
    store.download(card)
    store.download(card)
    assert len(server.requests) == 1


def test_a_dropped_connection_is_resumed_where_it_broke(server, make_card, make_store):
    card = make_card(server.add("net.pth", CONTENT, drops=[65536, 16384]), content=CONTENT)
    assert make_store(card).download(card).path.read_bytes() == CONTENT
    assert [wanted for _, wanted in server.requests] == [None, "bytes=65536-", "bytes=81920-"]


def test_a_later_call_continues_what_an_earlier_one_began(server, make_card, make_store):
    url = server.add("net.pth", CONTENT, drops=[65536, 0, 0, 0])
    card = make_card(url, content=CONTENT)
    store = make_store(card)
    with pytest.raises(WeightsError, match="65536 bytes are kept"):
        store.download(card)
    assert store.missing([card]) == [card]  # nothing half-finished under the final name
    store.download(card)
    assert server.requests[-1] == ("net.pth", "bytes=65536-")


def test_a_file_that_changed_at_the_source_is_started_over(server, make_card, make_store):
    url = server.add("net.pth", OTHER, drops=[65536, 0, 0, 0])
    card = make_card(url)
    store = make_store(card)
    with pytest.raises(WeightsError):
        store.download(card)
    server.add("net.pth", CONTENT, etag='"v2"')
    assert store.download(card).path.read_bytes() == CONTENT


@pytest.mark.parametrize("how", [{"ranges": False}, {"etag": ""}], ids=["no ranges", "no etag"])
def test_a_server_that_cannot_resume_is_started_over(server, make_card, make_store, how):
    card = make_card(server.add("net.pth", CONTENT, drops=[65536], **how), content=CONTENT)
    assert make_store(card).download(card).path.read_bytes() == CONTENT


@pytest.mark.parametrize("status", [404, 403, 500])
def test_a_dead_source_gives_way_to_the_mirror(server, make_card, make_store, status):
    dead = server.add("dead.pth", CONTENT, status=status)
    card = make_card(dead, server.add("mirror.pth", CONTENT), content=CONTENT)
    assert make_store(card).download(card).evidence is Evidence.PUBLISHED
    assert server.requests[-1][0] == "mirror.pth"


def test_a_mirror_does_not_continue_the_bytes_of_another_source(server, make_card, make_store):
    first = server.add("first.pth", OTHER, drops=[65536, 0, 0, 0])
    card = make_card(first, server.add("mirror.pth", CONTENT))
    assert make_store(card).download(card).path.read_bytes() == CONTENT


def test_a_wrong_digest_gives_way_to_the_mirror(server, make_card, make_store):
    wrong = server.add("wrong.pth", OTHER)
    card = make_card(wrong, server.add("mirror.pth", CONTENT), content=CONTENT)
    assert make_store(card).download(card).path.read_bytes() == CONTENT


def test_a_wrong_digest_everywhere_stores_nothing(server, make_card, make_store):
    card = make_card(server.add("net.pth", OTHER), content=CONTENT)
    store = make_store(card)
    with pytest.raises(WeightsError, match=r"sha256 is .* expected"):
        store.download(card)
    assert store.missing([card]) == [card]
    assert leftovers(store) == set()


def test_a_wrong_size_is_refused(server, make_card, make_store):
    card = make_card(server.add("net.pth", CONTENT), bytes=len(CONTENT) + 1)
    with pytest.raises(WeightsError, match="102400 bytes, 102401 expected"):
        make_store(card).download(card)


def test_a_web_page_is_not_pinned_as_weights(server, make_card, make_store):
    card = make_card(server.add("net.pth", b"<html>", content_type="text/html; charset=utf-8"))
    with pytest.raises(WeightsError, match="web page"):
        make_store(card).download(card)


def test_every_reason_is_told_when_no_source_delivers(server, make_card, make_store):
    card = make_card(
        f"{server.address}/gone.pth",
        server.add("wrong.pth", OTHER),
        content=CONTENT,
        same_weights=("twin",),
    )
    with pytest.raises(WeightsError) as caught:
        make_store(card).download(card)
    assert "HTTP 404" in str(caught.value) and "sha256 is" in str(caught.value)
    assert "twin" in str(caught.value)


def test_a_closed_port_is_one_clear_sentence(server, make_card, make_store):
    card = make_card("http://127.0.0.1:9/net.pth")
    with pytest.raises(WeightsError, match=r"no source delivered net\.pth.*refused"):
        make_store(card).download(card)


def test_the_first_download_pins_a_file_without_published_digest(server, make_card, make_store):
    card = make_card(server.add("net.pth", CONTENT))
    store = make_store(card)
    found = store.download(card)
    assert found.evidence is Evidence.PINNED and found.verified
    found.path.unlink()
    server.add("net.pth", OTHER)
    with pytest.raises(WeightsError, match=f"{hashlib.sha256(CONTENT).hexdigest()} expected"):
        store.download(card)


def test_a_member_of_an_archive_is_taken_out(server, make_card, make_store):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("models/net.pth", CONTENT)
        archive.writestr("models/other.pth", OTHER)
    url = server.add("models.zip", packed.getvalue())
    card = make_card(f"{url}#models/net.pth", content=CONTENT)
    store = make_store(card)
    assert store.download(card).path.read_bytes() == CONTENT
    assert leftovers(store) == set()


@pytest.mark.parametrize("content", [CONTENT, b""], ids=["no archive", "empty"])
def test_a_broken_archive_is_one_clear_sentence(server, make_card, make_store, content):
    card = make_card(f"{server.add('models.zip', content)}#models/net.pth")
    with pytest.raises(WeightsError):
        make_store(card).download(card)


@pytest.mark.parametrize("name", ["MIRABENCH_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_mode_downloads_nothing(server, make_card, make_store, monkeypatch, name):
    monkeypatch.setenv(name, "1")
    card = make_card(server.add("net.pth", CONTENT))
    with pytest.raises(WeightsError, match="offline mode"):
        make_store(card).download(card)
    assert server.requests == []


def test_offline_mode_uses_what_is_here(server, make_card, make_store, monkeypatch):
    card = make_card(server.add("net.pth", CONTENT), content=CONTENT)
    store = make_store(card)
    store.download(card)
    monkeypatch.setenv("MIRABENCH_OFFLINE", "1")
    assert store.download(card).verified


def test_a_disk_without_room_is_an_output_error(server, make_card, make_store, monkeypatch):
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("mirabench.weights.transfer.shutil.disk_usage", lambda _: usage)
    card = make_card(server.add("net.pth", CONTENT))
    with pytest.raises(OutputError, match="free some space"):
        make_store(card).download(card)


def test_two_callers_at_once_download_once(server, make_card, make_store):
    card = make_card(server.add("net.pth", CONTENT), content=CONTENT)
    store = make_store(card)
    threads = [threading.Thread(target=store.download, args=(card,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.resolve(card).verified
    assert len(server.requests) == 1


HUB_FILE = "https://huggingface.co/a/b/resolve/main/net.pth"


@pytest.fixture
def hub(server, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", f"{server.address}/")
    return server


def test_a_hub_file_comes_from_the_named_endpoint(hub, make_card, make_store):
    hub.add("a/b/resolve/main/net.pth", CONTENT)
    store, seen = make_store(card := make_card(HUB_FILE, content=CONTENT)), []
    found = store.download(card, lambda done, total: seen.append((done, total)))
    assert found.path.read_bytes() == CONTENT and found.verified
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert leftovers(store) == set()


def test_a_hub_file_is_resumed_where_the_connection_broke(hub, make_card, make_store, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1 << 14)
    hub.add("a/b/resolve/main/net.pth", CONTENT, drops=[65536])
    store = make_store(card := make_card(HUB_FILE, content=CONTENT))
    assert store.download(card).path.read_bytes() == CONTENT
    assert hub.requests[-1][1].startswith("bytes=65536-")


def test_a_hub_file_that_is_not_there_is_one_clear_sentence(hub, make_card, make_store, capfd):
    store = make_store(card := make_card(HUB_FILE, content=CONTENT))
    with pytest.raises(WeightsError, match=r"net\.pth: .*net\.pth: HTTP 404 Not Found$"):
        store.download(card)
    assert leftovers(store) == set()
    assert capfd.readouterr().err == ""


def test_a_hub_that_is_not_there_is_one_clear_sentence(make_card, make_store, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("time.sleep", lambda _: None)  # huggingface_hub waits between its tries
    card = make_card(HUB_FILE, content=CONTENT)
    with pytest.raises(WeightsError, match=r"no source delivered net\.pth.*refused$"):
        make_store(card).download(card)


def test_a_wrong_hub_file_gives_way_to_the_mirror(hub, make_card, make_store):
    hub.add("a/b/resolve/main/net.pth", OTHER)
    card = make_card(HUB_FILE, hub.add("mirror.pth", CONTENT), content=CONTENT)
    assert make_store(card).download(card).path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("url", "package"), [(HUB_FILE, "huggingface_hub"), ("http://h/f", "pooch")]
)
def test_downloading_names_the_extra_it_needs(make_card, make_store, monkeypatch, url, package):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, "requests", None)
    with pytest.raises(MissingExtraError, match=r"\.\[download\]"):
        make_store(card := make_card(url)).download(card)


def test_a_server_that_sends_another_range_is_asked_for_the_whole(server, make_card, make_store):
    url = server.add("net.pth", CONTENT, drops=[65536], shift=7)
    store = make_store(card := make_card(url, content=CONTENT))
    assert store.download(card).path.read_bytes() == CONTENT
    assert server.requests[-1] == ("net.pth", None)
