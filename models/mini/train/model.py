"""The model: transformers' own CLIPModel, small. 128 px in patches of 16, and a short text tower."""

import torch
import torch.nn.functional as F
from transformers import CLIPConfig, CLIPModel

import tokenizer

PIXELS, PATCH, EMBED = 128, 16, 256
HIDDEN, LAYERS, HEADS = 256, 6, 4
SIDE = PIXELS // PATCH  # the patches form a square of SIDE x SIDE


def config(vocab: int, start: int, end: int) -> CLIPConfig:
    text = dict(
        vocab_size=vocab, hidden_size=128, intermediate_size=512, num_hidden_layers=3,
        num_attention_heads=4, max_position_embeddings=tokenizer.MAX_TOKENS, hidden_act="gelu",
        projection_dim=EMBED, bos_token_id=start, eos_token_id=end, pad_token_id=end)
    vision = dict(
        image_size=PIXELS, patch_size=PATCH, hidden_size=HIDDEN, intermediate_size=4 * HIDDEN,
        num_hidden_layers=LAYERS, num_attention_heads=HEADS, hidden_act="gelu", projection_dim=EMBED)
    return CLIPConfig(text_config=text, vision_config=vision, projection_dim=EMBED, logit_scale_init_value=2.6592)


def build(tok, drop_path: float) -> CLIPModel:
    torch.manual_seed(0)
    model = CLIPModel(
        config(tok.get_vocab_size(), tok.token_to_id(tokenizer.START), tok.token_to_id(tokenizer.END)))
    # CLIP's own initialisation is meant for far larger batches and data; this is the usual ViT one.
    for module in model.modules():
        if isinstance(module, torch.nn.Linear):
            torch.nn.init.trunc_normal_(module.weight, std=0.02 if module.in_features > 64 else 0.05)
            if module.bias is not None:
                torch.nn.init.zeros_(module.bias)
        elif isinstance(module, torch.nn.Embedding):
            torch.nn.init.trunc_normal_(module.weight, std=0.02)
    torch.nn.init.trunc_normal_(model.vision_model.embeddings.patch_embedding.weight, std=0.02)
    for proj in (model.visual_projection, model.text_projection):
        torch.nn.init.normal_(proj.weight, std=proj.in_features**-0.5)
    layers = model.vision_model.encoder.layers
    for i, layer in enumerate(layers):
        layer.register_forward_hook(_skip(drop_path * i / max(1, len(layers) - 1)))
    return model


@torch.no_grad()
def prime(model: CLIPModel, pixels: torch.Tensor) -> None:
    """A start from which a small ViT learns faster than from noise, with few pictures and little time:
    the patch layer whitens real patches, positions are waves, and attention begins as Trockman and
    Kolter's mimetic initialisation (2023) has it: tokens attend to their like, values are near -I."""
    vision, d, head = model.vision_model, HIDDEN, HIDDEN // HEADS
    patches = F.unfold(pixels, PATCH, stride=PATCH).transpose(1, 2).flatten(0, 1)
    size, basis = torch.linalg.eigh(patches.T @ patches / len(patches))
    size, basis = size.flip(0)[:d], basis.flip(1)[:, :d]
    mixed = torch.linalg.qr(torch.randn(d, d))[0] @ (basis / (size + size[d // 2]).sqrt()).T
    vision.embeddings.patch_embedding.weight.copy_(mixed.view(d, 3, PATCH, PATCH))

    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    pace = 8.0 ** (-torch.arange(d // 4) / (d // 4)) * 1.2
    waves = torch.cat([f(p.flatten()[:, None] * pace) for p in (x, y) for f in (torch.sin, torch.cos)], 1)
    vision.embeddings.position_embedding.weight[1:] = 0.5 * waves

    for layer in vision.encoder.layers:
        attention = layer.self_attn
        for h in range(HEADS):
            u, s, v = torch.linalg.svd(0.7 * torch.randn(d, d) / d**0.5 + 0.7 * torch.eye(d))
            part, root = slice(h * head, (h + 1) * head), s[:head].sqrt()
            attention.q_proj.weight[part] = (u[:, :head] * root).T
            attention.k_proj.weight[part] = root[:, None] * v[:head]
        u, s, v = torch.linalg.svd(0.4 * torch.randn(d, d) / d**0.5 - 0.4 * torch.eye(d))
        attention.out_proj.weight.copy_(u * s.sqrt())
        attention.v_proj.weight.copy_(s.sqrt()[:, None] * v)


def _skip(rate: float):
    """Stochastic depth: in training, a layer is left out for some pictures of the batch."""

    def hook(module, args, output):
        if not module.training or rate == 0:
            return None
        before = args[0]
        after = output[0] if isinstance(output, tuple) else output
        keep = (torch.rand(len(before), 1, 1) >= rate).to(after.dtype) / (1 - rate)
        after = before + (after - before) * keep
        return (after, *output[1:]) if isinstance(output, tuple) else after

    return hook


def see(model: CLIPModel, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(patch tokens, pooled, embedding) of normalised pictures of any side that PATCH divides."""
    seen = model.vision_model(pixel_values=pixels, interpolate_pos_encoding=pixels.shape[-1] != PIXELS)
    return seen.last_hidden_state[:, 1:], seen.pooler_output, model.visual_projection(seen.pooler_output)


def read(model: CLIPModel, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return model.text_projection(model.text_model(input_ids=ids, attention_mask=mask).pooler_output)
