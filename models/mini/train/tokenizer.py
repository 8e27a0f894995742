"""The tokenizer: a small byte-level BPE, lower-cased, framed by start and end tokens.

Every byte is in the alphabet, so any Unicode text has a spelling. `<|endoftext|>` gets the highest
id: some CLIP readers pool at the arg-max of the ids, others at `eos_token_id`, and so both agree.
"""

import json
import re
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing

START, END = "<|startoftext|>", "<|endoftext|>"
MAX_TOKENS = 64


def train(texts: list[str], vocab: int = 3072) -> Tokenizer:
    tok = Tokenizer(models.BPE())
    tok.normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
            normalizers.Lowercase(),
        ]
    )
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tok.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab - 2,
        min_frequency=2,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tok.train_from_iterator(texts, trainer)
    tok.add_special_tokens([START, END])  # appended, so END has the highest id
    start, end = tok.token_to_id(START), tok.token_to_id(END)
    assert end == tok.get_vocab_size() - 1
    tok.post_processor = TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[(START, start), (END, end)]
    )
    tok.enable_truncation(MAX_TOKENS)
    return tok


def encode(tok: Tokenizer, texts: list[str]):
    """Ids and mask, padded with the end token to the longest text."""
    import torch

    rows = [e.ids for e in tok.encode_batch(texts)]
    width = max(map(len, rows))
    ids = torch.full((len(rows), width), tok.token_to_id(END), dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    return ids, mask


def words_of(name: str) -> str:
    """`red_apple_jean_01.png` -> `red apple jean`: what a file name says."""
    name = re.sub(r"\.\w+$", "", name)
    name = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    return re.sub(r"\s+", " ", re.sub(r"[^A-Za-zÀ-ÿ]+", " ", name)).strip().lower()


def save(tok: Tokenizer, folder: Path) -> None:
    """`tokenizer.json` alone is enough; the other two are for transformers' AutoTokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    tok.save(str(folder / "tokenizer.json"))
    special = {"bos_token": START, "eos_token": END, "pad_token": END, "unk_token": END}
    config = special | {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": MAX_TOKENS,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
