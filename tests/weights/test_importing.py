import pytest

from mirabench.errors import WeightsError
from mirabench.weights import Evidence, import_weights

CONTENT = bytes(range(256)) * 40
OTHER = CONTENT[::-1]


@pytest.fixture
def elsewhere(tmp_path):
    """A folder like the reference's `data/ckpt`: each file in a subfolder of its own."""
    folder = tmp_path / "ckpt"
    (folder / "amt_model").mkdir(parents=True)
    (folder / "raft_model" / "models").mkdir(parents=True)
    (folder / "amt_model" / "net.pth").write_bytes(CONTENT)
    (folder / "raft_model" / "models" / "raft.pth").write_bytes(OTHER)
    (folder / "notes.txt").write_text("not weights")
    return folder


def test_a_folder_is_searched_by_official_names(elsewhere, make_card, make_store):
    net = make_card(content=CONTENT)
    raft = make_card(content=OTHER, name="raft", filename="raft.pth")
    store = make_store(net, raft)
    outcome = import_weights(store, elsewhere)
    assert [found.card.name for found in outcome.accepted] == ["net", "raft"]
    assert outcome.refused == ()
    assert store.resolve(raft).path.read_bytes() == OTHER


def test_one_file_is_imported(elsewhere, make_card, make_store):
    card = make_card(content=CONTENT)
    store = make_store(card)
    import_weights(store, elsewhere / "amt_model" / "net.pth")
    assert store.resolve(card).verified


def test_an_alias_is_stored_under_the_official_name(tmp_path, make_card, make_store):
    (tmp_path / "pt_net.pth").write_bytes(CONTENT)
    card = make_card(content=CONTENT, aliases=("pt_net.pth",))
    store = make_store(card)
    import_weights(store, tmp_path / "pt_net.pth")
    assert store.resolve(card).path.name == "net.pth"


def test_another_digest_is_refused_and_the_others_still_come(elsewhere, make_card, make_store):
    net = make_card(content=OTHER)
    raft = make_card(content=OTHER, name="raft", filename="raft.pth")
    store = make_store(net, raft)
    outcome = import_weights(store, elsewhere)
    assert [refused.card.name for refused in outcome.refused] == ["net"]
    assert "--unverified" in outcome.refused[0].reason
    assert store.missing([net, raft]) == [net]


def test_unverified_takes_another_digest_and_remembers_it(elsewhere, make_card, make_store):
    card = make_card(content=OTHER)
    store = make_store(card)
    import_weights(store, elsewhere, accept_unverified=True)
    assert not store.resolve(card).verified
    assert store.verify(card).evidence is Evidence.UNVERIFIED


def test_an_unverified_file_that_changes_is_refused(elsewhere, make_card, make_store):
    card = make_card(content=OTHER)
    store = make_store(card)
    import_weights(store, elsewhere, accept_unverified=True)
    store.path(card).write_bytes(CONTENT[:-1])
    with pytest.raises(WeightsError, match=r"is not the net\.pth"):
        store.resolve(card)


def test_the_right_file_wins_over_others_of_its_name(elsewhere, make_card, make_store):
    (elsewhere / "a_first_in_order").mkdir()
    (elsewhere / "a_first_in_order" / "net.pth").write_bytes(OTHER)
    card = make_card(content=CONTENT)
    outcome = import_weights(make_store(card), elsewhere)
    assert outcome.accepted[0].evidence is Evidence.PUBLISHED


def test_without_a_published_digest_an_import_is_unverified(elsewhere, make_card, make_store):
    outcome = import_weights(make_store(make_card()), elsewhere)
    assert outcome.accepted[0].evidence is Evidence.UNVERIFIED


def test_the_pinned_file_is_recognised(server, elsewhere, make_card, make_store):
    card = make_card(server.add("net.pth", CONTENT))
    store = make_store(card)
    store.download(card).path.unlink()
    assert import_weights(store, elsewhere).accepted[0].evidence is Evidence.PINNED


def test_official_weights_replace_unverified_ones(elsewhere, make_card, make_store):
    card = make_card(content=CONTENT)
    store = make_store(card)
    (elsewhere / "net.pth").write_bytes(OTHER)
    import_weights(store, elsewhere / "net.pth", accept_unverified=True)
    import_weights(store, elsewhere / "amt_model")
    assert store.resolve(card).evidence is Evidence.PUBLISHED


def test_importing_the_weights_folder_itself_loses_nothing(make_card, make_store):
    card = make_card(content=CONTENT)
    store = make_store(card)
    store.make_folder()
    store.path(card).write_bytes(CONTENT)
    assert import_weights(store, store.folder).accepted[0].path.read_bytes() == CONTENT


def test_a_path_that_does_not_exist(tmp_path, make_card, make_store):
    with pytest.raises(WeightsError, match="does not exist"):
        import_weights(make_store(make_card()), tmp_path / "nowhere")


def test_a_folder_without_weights_names_what_is_known(tmp_path, make_card, make_store):
    with pytest.raises(WeightsError, match=r"files are known as net\.pth"):
        import_weights(make_store(make_card()), tmp_path)
