"""Files in the official layouts: imported by their names, found, read and loaded."""

import pytest
import torch

from mirabench.errors import WeightsError
from mirabench.nets import aesthetic, amt, clip, dino, i3d, inception, musiq, raft, viclip
from mirabench.weights import WeightStore, card, import_weights


@pytest.fixture
def store(tmp_path):
    return WeightStore(tmp_path / "weights")


def tiny_sizes(monkeypatch):
    """The large towers at a width that writes in milliseconds; layouts do not depend on it."""
    sizes = viclip.ViClipSizes(
        width=32, layers=1, heads=2, text_width=16, text_layers=1, text_heads=2, vocabulary=50
    )
    monkeypatch.setattr(viclip, "ViClipSizes", lambda: sizes)


def official(net, wrap=lambda state: state):
    return wrap({name: torch.rand_like(value.float()) for name, value in net.state_dict().items()})


@pytest.mark.parametrize(
    ("name", "module", "layout"),
    [
        ("amt-s", amt, lambda: official(amt.AmtS(), lambda state: {"state_dict": state})),
        ("viclip-l-14", viclip, lambda: official(viclip.ViClip(), lambda state: {"model": state})),
        ("i3d-kinetics-400", i3d, lambda: official(i3d.InceptionI3d())),
        ("dino-vitb16", dino, lambda: official(dino.Dino().network)),
    ],
    ids=["amt", "viclip", "i3d", "dino"],
)
def test_from_the_references_folder_to_a_network(
    tmp_path, store, monkeypatch, name, module, layout
):
    tiny_sizes(monkeypatch)
    monkeypatch.setattr(dino.Dino.__init__, "__defaults__", (32, 1, 2))
    folder = tmp_path / "data" / "ckpt" / "some_model"
    folder.mkdir(parents=True)
    torch.save(layout(), folder / card(name).filename)
    import_weights(store, tmp_path / "data" / "ckpt")
    resolved = store.resolve(card(name))
    assert not resolved.verified
    assert not module.load(resolved.path).training


def test_raft_in_the_authors_layout(tmp_path, store, golden_keys):
    state = {f"module.{name}": torch.rand(shape) for name, shape in golden_keys["raft"].items()}
    torch.save(state, tmp_path / "raft-things.pth")
    import_weights(store, tmp_path / "raft-things.pth")
    net = raft.load(store.resolve(card("raft-things")).path)
    loaded = net.network.update_block.flow_head.conv2.weight
    assert torch.equal(loaded, state["module.update_block.flow_head.conv2.weight"])


def test_clip_as_a_plain_state_dict_in_halves(tmp_path):
    sizes = clip.TowerSizes(patch=16, width=32, layers=1, heads=2, embedding=8, image=32)
    tower = clip.image_tower(sizes).state_dict()
    whole = {f"visual.{name}": value.half() for name, value in tower.items()}
    whole |= {"logit_scale": torch.ones([]), "token_embedding.weight": torch.ones(5, 3)}
    torch.save(whole, tmp_path / "ViT-B-32.pt")
    net = clip.load(tmp_path / "ViT-B-32.pt", sizes)
    assert net.proj.dtype is torch.float32 and not net.training
    assert torch.equal(net.proj, tower["proj"].half().float())


@pytest.mark.parametrize(
    ("module", "build"),
    [(inception, lambda: inception.Inception().network), (aesthetic, aesthetic.AestheticHead)],
    ids=["inception", "aesthetic"],
)
def test_plain_state_dicts(tmp_path, module, build):
    torch.save(build().state_dict(), tmp_path / "net.pth")
    assert not module.load(tmp_path / "net.pth").training


def test_musiq_in_pyiqas_layout(tmp_path):
    pytest.importorskip("pyiqa", reason="needs the extra iqa")
    net = musiq.musiq()
    torch.save({"params": net.state_dict()}, tmp_path / "musiq.pth")
    loaded = musiq.load(tmp_path / "musiq.pth")
    assert torch.equal(loaded.head.weight, net.head.weight)


def test_one_networks_file_is_refused_by_another(tmp_path):
    torch.save(aesthetic.AestheticHead().state_dict(), tmp_path / "amt-s.pth")
    with pytest.raises(
        WeightsError, match=r"amt-s\.pth is a checkpoint of another model than AmtS"
    ):
        amt.load(tmp_path / "amt-s.pth")
