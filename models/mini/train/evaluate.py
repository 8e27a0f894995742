"""The figures, measured as the product measures them: CLIP's own preprocessing of the file, weights
rounded to f16, unit vectors, cosine; a product scores by its best image; ties go by id.

    python evaluate.py --model .. --grocery DIR --kb DIR --clipart DIR --held held.json
"""

import argparse
import csv
import json
import random
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from transformers import CLIPImageProcessor, CLIPModel, PreTrainedTokenizerFast

import data
import distort


def pixels_of(processor, images: list[Image.Image]) -> torch.Tensor:
    return processor(images=[i.convert("RGB") for i in images], return_tensors="pt")["pixel_values"]


@torch.inference_mode()
def embed(model: CLIPModel, pixels: torch.Tensor, batch: int = 100) -> torch.Tensor:
    out = []
    for part in pixels.split(batch):
        pooled = model.vision_model(pixel_values=part).pooler_output
        out.append(F.normalize(model.visual_projection(pooled), dim=-1))
    return torch.cat(out)


@torch.inference_mode()
def embed_texts(model: CLIPModel, tok, texts: list[str]) -> torch.Tensor:
    x = tok(texts, padding=True, truncation=True, return_tensors="pt")
    pooled = model.text_model(input_ids=x["input_ids"], attention_mask=x["attention_mask"]).pooler_output
    return F.normalize(model.text_projection(pooled), dim=-1)


def product_scores(queries: torch.Tensor, images: torch.Tensor, owner: torch.Tensor, count: int) -> torch.Tensor:
    """[Q, products]: the best cosine over each product's images."""
    scores = torch.full((len(queries), count), -2.0)
    return scores.scatter_reduce(1, owner.expand(len(queries), -1), queries @ images.T, "amax")


def ranked(scores: torch.Tensor, ids: list[str]) -> list[list[str]]:
    return [[i for _, i in sorted(zip((-row).tolist(), ids))] for row in scores]


def recall(ranks: list[list[str]], wanted: list[str], k: int) -> float:
    return sum(w in r[:k] for r, w in zip(ranks, wanted)) / max(1, len(wanted))


class Catalogue:
    """A catalogue folder's products and images, and a list of labelled photos of them."""

    def __init__(self, processor, folder: Path, labels: Path | None):
        self.products = sorted(data.products_of(folder), key=lambda p: p["id"])
        self.ids = [p["id"] for p in self.products]
        owner = [(i, path) for i, p in enumerate(self.products) for path in p["images"]]
        self.owner = torch.tensor([i for i, _ in owner])
        self.images = pixels_of(processor, [Image.open(path) for _, path in owner])
        self.photos, self.wanted = None, []
        if labels and labels.exists():
            rows = list(csv.DictReader(open(labels, newline="")))
            self.wanted = [r["product_id"] for r in rows]
            base = labels.parent
            paths = [base / r["photo"] if (base / r["photo"]).exists() else folder / r["photo"] for r in rows]
            self.photos = pixels_of(processor, [Image.open(p) for p in paths])

    def figures(self, model, tok) -> dict:
        gallery = embed(model, self.images)
        kinds = {p["id"]: p["category"] for p in self.products}
        out = {}
        if self.photos is not None:
            ranks = ranked(product_scores(embed(model, self.photos), gallery, self.owner, len(self.ids)), self.ids)
            out |= {
                "photos": len(ranks),
                "recall@1": recall(ranks, self.wanted, 1),
                "recall@5": recall(ranks, self.wanted, 5),
                "category@1": sum(kinds[r[0]] == kinds[w] for r, w in zip(ranks, self.wanted)) / len(ranks),
            }
        words = embed_texts(model, tok, [p["title"] for p in self.products])
        ranks = ranked(product_scores(words, gallery, self.owner, len(self.ids)), self.ids)
        out["title recall@1"] = recall(ranks, self.ids, 1)
        out["title recall@5"] = recall(ranks, self.ids, 5)
        return out


def never_seen(processor, clipart: Path, held: list[str], seed: int = 11) -> tuple[torch.Tensor, torch.Tensor]:
    """The held-back pictures on white, and one harsh distortion of each."""
    rng = random.Random(seed)
    plain, warped = [], []
    for name in held:
        image = data.pad(data.load(clipart / name, "RGBA"), 256)
        white = Image.new("RGB", image.size, (255, 255, 255))
        white.paste(image, (0, 0), image)
        plain.append(white)
        warped.append(distort.harsh(image, distort.texture(rng), rng))
    return pixels_of(processor, plain), pixels_of(processor, warped)


def never_seen_figures(model, plain: torch.Tensor, warped: torch.Tensor) -> dict:
    scores = embed(model, warped) @ embed(model, plain).T
    right = torch.arange(len(plain))
    top = scores.topk(5).indices
    return {
        "pictures": len(plain),
        "recall@1": (top[:, 0] == right).float().mean().item(),
        "recall@5": (top == right[:, None]).any(1).float().mean().item(),
    }


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", type=Path, default=Path(__file__).resolve().parent.parent)
    p.add_argument("--grocery", type=Path)
    p.add_argument("--kb", type=Path)
    p.add_argument("--clipart", type=Path)
    p.add_argument("--held", type=Path, help="held-back clip art; the list beside this script if not given")
    a = p.parse_args()
    model = CLIPModel.from_pretrained(a.model).float().eval()
    tok = PreTrainedTokenizerFast.from_pretrained(a.model)
    processor = CLIPImageProcessor.from_pretrained(a.model)
    count = sum(x.numel() for x in model.parameters())
    size = sum(f.stat().st_size for f in a.model.iterdir() if f.suffix in (".json", ".safetensors"))
    print(f"{count / 1e6:.2f} M parameters, {size / 1e6:.2f} MB")
    if a.grocery:
        found = Catalogue(processor, a.grocery / "catalogue", a.grocery / "val.csv").figures(model, tok)
        print("grocery", json.dumps(found))
    if a.kb:
        found = Catalogue(processor, a.kb, a.kb / "photos" / "labels.csv").figures(model, tok)
        print("sample catalogue", json.dumps(found))
    if a.clipart:
        held = json.loads((a.held or Path(__file__).resolve().parent / "held.json").read_text())
        print("never seen", json.dumps(never_seen_figures(model, *never_seen(processor, a.clipart, held))))
    one = torch.zeros(1, 3, *[model.config.vision_config.image_size] * 2)
    embed(model, one)
    start = time.perf_counter()
    for _ in range(20):
        embed(model, one)
    print(f"one picture: {(time.perf_counter() - start) * 50:.1f} ms, {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()
