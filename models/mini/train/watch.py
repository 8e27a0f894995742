"""What is watched during training: the figures on `val.csv` and the held-back clip art, and the curve."""

import copy
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import CLIPImageProcessor, PreTrainedTokenizerFast

import distort
import evaluate
import export
import model as clip


class Exam:
    """Prepared once: pictures and texts as the product would hand them to the model."""

    def __init__(self, a):
        tok = Tokenizer.from_file(str(a.cache / "tokenizer.json"))
        export.write(clip.build(tok, 0).state_dict(), a.cache, a.run / "exam")
        processor = CLIPImageProcessor.from_pretrained(a.run / "exam")
        self.tok = PreTrainedTokenizerFast.from_pretrained(a.run / "exam")
        self.catalogue = evaluate.Catalogue(processor, a.grocery / "catalogue", a.grocery / "val.csv")
        held = json.loads((a.cache / "held.json").read_text())[:250]
        self.held = evaluate.never_seen(processor, a.clipart, held)
        index = json.loads((a.cache / "index.json").read_text())["products"]
        self.at = {p["id"]: i for i, p in enumerate(index) if p["set"] == "grocery"}

    def of_teacher(self, teacher) -> float:
        """How much of `val.csv` the picture teacher names right among the products of its catalogue."""
        mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (distort.MEAN, distort.STD))
        said = [teacher(part * std + mean)[1] for part in self.catalogue.photos.split(100)]
        best, names = torch.cat(said)[:, list(self.at.values())].argmax(-1), list(self.at)
        right = [names[i] == w for i, w in zip(best.tolist(), self.catalogue.wanted)]
        return sum(right) / len(right)

    @torch.inference_mode()
    def figures(self, model, heads, state: dict) -> dict:
        judge = copy.deepcopy(model).eval()
        judge.load_state_dict({k: v.half().float() if v.is_floating_point() else v for k, v in state.items()})
        out = self.catalogue.figures(judge, self.tok)
        out["held"] = evaluate.never_seen_figures(judge, *self.held)["recall@1"]
        # How well the learned product vectors would do in place of the catalogue pictures' embeddings.
        vectors = F.normalize(heads.products, dim=-1)[list(self.at.values())]
        best = (evaluate.embed(judge, self.catalogue.photos) @ vectors.T).argmax(-1)
        names = list(self.at)
        right = [names[i] == w for i, w in zip(best.tolist(), self.catalogue.wanted)]
        return out | {"by vectors": sum(right) / len(right)}


def draw_curve(log: Path, to: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    rows = [json.loads(line) for line in log.read_text().splitlines()]
    fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4))
    x = [r["minutes"] for r in rows]
    for key in ("recall@1", "recall@5", "category@1", "title recall@1", "held"):
        left.plot(x, [r["val"][key] for r in rows], label=key)
    left.set(xlabel="minutes of training", title="grocery val.csv; `held`: unseen clip art", ylim=(0, 1))
    left.grid(alpha=0.3), left.legend(fontsize=8)
    for key in rows[-1]["loss"]:
        right.plot(x, [r["loss"].get(key, float("nan")) for r in rows], label=key)
    right.set(xlabel="minutes of training", title="training losses, unweighted"), right.legend(fontsize=8)
    right.grid(alpha=0.3)
    fig.tight_layout(), fig.savefig(to, dpi=80), plt.close(fig)
