import re

import pytest

from mirabench.errors import UnknownNameError, WeightsError
from mirabench.weights import card, cards
from mirabench.weights.card import HubFile, Mirror, parse_cards

OFFICIAL_NAMES = {
    "dino_vitbase16_pretrain.pth",
    "ViT-B-32.pt",
    "ViT-L-14.pt",
    "sa_0_4_vit_l_14_linear.pth",
    "raft-things.pth",
    "cotracker2.pth",
    "amt-s.pth",
    "musiq_spaq_ckpt-358bb6af.pth",
    "ViClip-InternVid-10M-FLT.pth",
    "weights-inception-2015-12-05-6726825d.pth",
    "i3d_pretrained_400.pt",
}


def test_every_checkpoint_of_the_reference_has_a_card():
    assert {each.filename for each in cards().values()} >= OFFICIAL_NAMES


@pytest.mark.parametrize("name", cards())
def test_a_card_says_what_a_user_must_know(name):
    each = card(name)
    assert each.name == name
    assert each.sources and each.purpose and each.licence
    assert each.non_commercial == bool(re.search("NC|Noncommercial", each.licence))
    assert each.size_text != "size unknown"
    assert all(other in cards() for other in each.same_weights)


@pytest.mark.parametrize("name", cards())
def test_a_digest_in_a_file_name_or_address_is_the_cards_digest(name):
    each = card(name)
    text = " ".join([each.filename, *(source.url for source in each.sources)])
    stated = re.findall(r"(?<=[-/])([0-9a-f]{64}|[0-9a-f]{8})(?=[./])", text)
    assert all(each.sha256.startswith(digest) for digest in stated)


@pytest.mark.parametrize("name", cards())
def test_the_revision_of_a_hub_source_is_stated(name):
    hub_files = [hub for source in card(name).sources if (hub := source.hub())]
    assert all(hub.revision in (card(name).revision, "main") for hub in hub_files)


def test_file_names_are_unique_so_that_import_knows_what_it_sees():
    names = [name for each in cards().values() for name in (each.filename, *each.aliases)]
    assert len(names) == len(set(names))


def test_unknown_name_offers_the_nearest():
    with pytest.raises(UnknownNameError, match="viclip-l-14"):
        card("viclip")


def test_hub_address_is_taken_apart():
    url = "https://huggingface.co/spaces/a/b/resolve/abc/dir/net.pt"
    assert Mirror(url).hub() == HubFile("spaces", "a/b", "abc", "dir/net.pt")
    assert Mirror("https://example.org/a/b/resolve/main/net.pt").hub() is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": "red"}, "unknown keys: colour"),
        ({"sha256": "abc"}, "8 or 64"),
        ({"sources": ["ftp://example.org/net.pth"]}, "not an http"),
    ],
)
def test_a_wrong_card_is_refused(change, words):
    good = {
        "filename": "net.pth",
        "sources": ["https://example.org/net.zip#net.pth"],
        "purpose": "p",
        "licence": "MIT",
        "non_commercial": False,
    }
    assert parse_cards({"net": good})["net"].sources == (
        Mirror("https://example.org/net.zip", "net.pth"),
    )
    with pytest.raises(WeightsError, match=words):
        parse_cards({"net": {**good, **change}})


def test_a_card_without_licence_is_incomplete():
    with pytest.raises(WeightsError, match="incomplete"):
        parse_cards({"net": {"filename": "net.pth", "sources": []}})


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"bytes": 4071}, "4 kB"),
        ({"about_megabytes": 354}, "354 MB"),
        ({"about_megabytes": 11838}, "11.8 GB"),
        ({}, "size unknown"),
    ],
)
def test_sizes_are_readable(fields, text):
    table = {"filename": "f", "purpose": "p", "licence": "MIT", "non_commercial": False, **fields}
    assert parse_cards({"net": table})["net"].size_text == text
