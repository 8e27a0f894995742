"""Writes a checkpoint as a Hugging Face CLIP folder: f16 weights, configuration, tokenizer.

    python export.py --checkpoint RUN/checkpoint.pt --cache CACHE --to ..
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

import distort
import model as clip

PREPROCESSOR = {
    "image_processor_type": "CLIPImageProcessor",
    "do_resize": True,
    "size": {"shortest_edge": clip.PIXELS},
    "resample": 3,
    "do_center_crop": True,
    "crop_size": {"height": clip.PIXELS, "width": clip.PIXELS},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": list(distort.MEAN),
    "image_std": list(distort.STD),
    "do_convert_rgb": True,
}


def rounded(state: dict) -> dict:
    return {k: v.to(torch.float16) for k, v in state.items() if not k.endswith("position_ids")}


def write(state: dict, cache: Path, to: Path) -> None:
    to.mkdir(parents=True, exist_ok=True)
    tok = Tokenizer.from_file(str(cache / "tokenizer.json"))
    config = clip.build(tok, 0.0).config
    config.architectures = ["CLIPModel"]
    config.dtype = "float16"
    config.save_pretrained(to)
    (to / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR, indent=2) + "\n")
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copyfile(cache / name, to / name)
    weights = {k: v.contiguous() for k, v in rounded(state).items()}
    save_file(weights, str(to / "model.safetensors"), metadata={"format": "pt"})


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--checkpoint", type=Path, required=True)
    p.add_argument("--cache", type=Path, required=True)
    p.add_argument("--to", type=Path, required=True)
    a = p.parse_args()
    saved = torch.load(a.checkpoint, weights_only=False)
    write(saved["ema"], a.cache, a.to)
    held = a.cache / "held.json"
    if held.exists():
        shutil.copyfile(held, Path(__file__).resolve().parent / "held.json")
    print(f"step {saved['step']}, {saved['elapsed'] / 60:.0f} minutes -> {a.to}")


if __name__ == "__main__":
    main()
