import hashlib
import os

import pytest

from mirabench.errors import OutputError, WeightsError, WeightsMissingError
from mirabench.weights import Evidence
from mirabench.weights.store import default_folder, offline

CONTENT = bytes(range(256)) * 40
OTHER = CONTENT[::-1]


def put(store, content, name="net.pth"):
    store.make_folder()
    path = store.folder / name
    path.write_bytes(content)
    return path


def test_missing_weights_name_the_commands_the_size_and_the_licence(make_card, make_store):
    card = make_card(about_megabytes=12)
    with pytest.raises(WeightsMissingError) as caught:
        make_store(card).resolve(card)
    for words in ("net.pth", "weights download net", "weights import", "12 MB", "MIT", "a test"):
        assert words in str(caught.value)


def test_resolve_never_touches_the_network(server, make_card, make_store):
    card = make_card(server.add("net.pth", CONTENT))
    with pytest.raises(WeightsMissingError):
        make_store(card).resolve(card)
    assert server.requests == []


def test_a_file_with_the_published_digest_is_verified(make_card, make_store):
    card = make_card(content=CONTENT)
    store = make_store(card)
    path = put(store, CONTENT)
    found = store.resolve(card)
    assert found.path == path and found.verified and found.evidence is Evidence.PUBLISHED
    assert found.sha256 == hashlib.sha256(CONTENT).hexdigest()


def test_the_first_eight_digits_suffice_where_only_they_are_published(make_card, make_store):
    card = make_card(sha256=hashlib.sha256(CONTENT).hexdigest()[:8])
    store = make_store(card)
    put(store, CONTENT)
    assert store.resolve(card).evidence is Evidence.PUBLISHED


def test_a_file_with_another_digest_is_refused(make_card, make_store):
    card = make_card(content=CONTENT)
    store = make_store(card)
    put(store, OTHER)
    with pytest.raises(WeightsError, match=r"its sha256 is .* expected"):
        store.resolve(card)


def test_a_file_put_there_by_hand_without_published_digest_is_unverified(make_card, make_store):
    card = make_card()
    store = make_store(card)
    put(store, CONTENT)
    assert not store.resolve(card).verified


def test_the_digest_is_taken_once_until_the_file_changes(make_card, make_store, monkeypatch):
    card = make_card(content=CONTENT)
    store = make_store(card)
    path = put(store, CONTENT)
    store.resolve(card)
    monkeypatch.setattr("mirabench.weights.store.sha256_of", lambda _: pytest.fail("hashed again"))
    assert store.resolve(card).verified
    monkeypatch.undo()
    path.write_bytes(OTHER)
    os.utime(path, ns=(1, 1))
    with pytest.raises(WeightsError, match=r"is not the net\.pth"):
        store.resolve(card)


def test_verify_sees_a_change_that_kept_size_and_time(make_card, make_store):
    card = make_card(content=CONTENT)
    store = make_store(card)
    path = put(store, CONTENT)
    store.resolve(card)
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.write_bytes(OTHER)
    os.utime(path, ns=times)
    assert store.resolve(card).verified
    with pytest.raises(WeightsError, match=r"is not the net\.pth"):
        store.verify(card)


def test_a_newly_published_digest_is_compared_with_what_was_recorded(make_card, make_store):
    before, now = make_card(), make_card(content=OTHER)
    store = make_store(before)
    put(store, CONTENT)
    store.remember(before, store.path(before), _pinned_record(store.path(before)))
    assert store.resolve(before).evidence is Evidence.PINNED
    with pytest.raises(WeightsError, match=r"is not the net\.pth"):
        store.resolve(now)


def _pinned_record(path):
    from mirabench.file_digest import sha256_of
    from mirabench.weights.ledger import record_of

    return record_of(path, sha256_of(path), Evidence.PINNED, "https://example.org")


def test_another_published_name_of_the_same_bytes_is_found(make_card, make_store):
    card = make_card(content=CONTENT, aliases=("mirror-net.pth",))
    store = make_store(card)
    path = put(store, CONTENT, "mirror-net.pth")
    assert store.resolve(card).path == path


def test_a_card_with_the_same_weights_stands_in(make_card, make_store):
    other = make_card(content=CONTENT, name="other", filename="other.pth")
    card = make_card(same_weights=("other",))
    store = make_store(card, other)
    assert store.missing([card, card]) == [card]
    put(store, CONTENT, "other.pth")
    assert store.resolve(card).card is other
    assert store.missing([card]) == []


def test_the_hub_cache_is_searched(make_card, make_store, tmp_path):
    card = make_card("https://huggingface.co/a/b/resolve/main/dir/net.pth")
    repo = tmp_path / "hf" / "hub" / "models--a--b"
    path = repo / "snapshots" / "c0ffee" / "dir" / "net.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("c0ffee")
    found = make_store(card).resolve(card)
    assert found.path == path and found.evidence is Evidence.PINNED


def test_a_read_only_folder_still_serves(make_card, make_store, monkeypatch):
    card = make_card(content=CONTENT)
    store = make_store(card)
    put(store, CONTENT)

    def refuse(*_):
        raise PermissionError("read-only")

    monkeypatch.setattr("mirabench.weights.ledger.Ledger.write", refuse)
    assert store.resolve(card).verified


def test_a_damaged_lock_file_is_one_clear_sentence(make_card, make_store):
    card = make_card(content=CONTENT)
    store = make_store(card)
    put(store, CONTENT)
    (store.folder / "lock.json").write_text('{"net": {"sha256": 3')
    with pytest.raises(WeightsError, match=r"lock\.json is damaged"):
        store.resolve(card)


def test_a_folder_that_cannot_be_made_is_an_output_error(make_card, make_store):
    store = make_store(make_card())
    store.folder.parent.mkdir(parents=True, exist_ok=True)
    store.folder.write_text("a file is in the way")
    with pytest.raises(OutputError, match="MIRABENCH_WEIGHTS"):
        store.make_folder()


def test_the_folder_comes_from_the_environment(tmp_path):
    assert default_folder({"MIRABENCH_WEIGHTS": str(tmp_path)}) == tmp_path
    assert default_folder({}).parts[-1] == "weights"


@pytest.mark.parametrize(
    ("environ", "claim"),
    [
        ({}, False),
        ({"MIRABENCH_OFFLINE": "1"}, True),
        ({"HF_HUB_OFFLINE": "true"}, True),
        ({"HF_HUB_OFFLINE": "0"}, False),
    ],
)
def test_offline_mode(environ, claim):
    assert offline(environ) is claim
