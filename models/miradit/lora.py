"""LoRA for the denoiser, through peft: loading, saving and all that diffusers offers for it.

Files hold the names that diffusers' training scripts write, `transformer.` before each; a denoiser that
was trained by `denoiser.add_adapter(LoraConfig(...))` is saved with `pipeline.save_lora_weights(folder)`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusers.loaders.lora_base import LoraBaseMixin
from torch import Tensor

from mirabench.errors import InputError, reason_for
from mirabench.extras import needs_extra

PREFIX = "transformer"
"""Before the names in a file; what diffusers' loaders and trainers use."""


FILE_NAME = "pytorch_lora_weights.safetensors"


class LoraWeights(LoraBaseMixin):  # type: ignore[misc]
    """What a pipeline does with low-rank weights of its denoiser."""

    _lora_loadable_modules = ("denoiser",)
    denoiser: Any

    def load_lora_weights(
        self, source: str | Path | dict[str, Tensor], adapter_name: str | None = None, **how: Any
    ) -> None:
        """Add low-rank weights to the denoiser.

        Args:
            source: A folder, a file, a name on the hub, or the tensors themselves.
            adapter_name: Under which they can be set, fused or deleted; else `default_0` and so on.
            how: What diffusers' `load_lora_adapter` takes: `weight_name`, `revision`, `local_files_only`, ...

        Raises:
            InputError: there are none, or they are not for this denoiser.
            MissingExtraError: peft is not installed.
        """
        with needs_extra("dit", "LoRA weights need peft"):
            import peft  # noqa: F401
        path = Path(source) if isinstance(source, str | Path) else None
        if path is not None and path.is_dir():
            source, how = str(path), {"weight_name": FILE_NAME, **how}
        elif path is not None and path.is_file():
            source, how = str(path.parent), {"weight_name": path.name, **how}
        before = set(getattr(self.denoiser, "peft_config", {}))
        try:
            self.denoiser.load_lora_adapter(
                source, prefix=PREFIX, adapter_name=adapter_name, _pipeline=self, **how
            )
        except (OSError, ValueError, RuntimeError, LookupError) as error:
            raise InputError(
                f"no LoRA weights for this model in {path or 'the tensors'}: {reason_for(error)}"
            ) from error
        if set(getattr(self.denoiser, "peft_config", {})) == before:
            raise InputError(
                f"no LoRA weights for this model in {path or 'the tensors'}: their names begin with "
                f"{PREFIX}. and are those of MiraDiT's layers"
            )

    def save_lora_weights(
        self, folder: str | Path, adapter_name: str = "default", weight_name: str | None = None
    ) -> None:
        """Write the denoiser's low-rank weights, in a form that `load_lora_weights` reads.

        Raises:
            InputError: the denoiser has none of that name.
        """
        if adapter_name not in getattr(self.denoiser, "peft_config", {}):
            raise InputError(f"the denoiser has no LoRA weights {adapter_name!r}")
        from peft.utils import get_peft_model_state_dict

        tensors = get_peft_model_state_dict(self.denoiser, adapter_name=adapter_name)
        self._save_lora_weights(
            save_directory=str(folder),
            lora_layers={PREFIX: tensors},
            lora_metadata={PREFIX: self.denoiser.peft_config[adapter_name].to_dict()},
            weight_name=weight_name,
        )
