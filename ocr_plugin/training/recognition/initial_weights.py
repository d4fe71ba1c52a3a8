"""Initial weights: random, parts of another network, or a CLIP4STR checkpoint."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ocr_plugin.errors import ConfigurationError, ModelUnavailable, first_line
from ocr_plugin.recognizers.clip4str.checkpoint import load_network
from ocr_plugin.recognizers.clip4str.model import Clip4Str
from ocr_plugin.training.recognition.options import StartOptions


def start(model: Clip4Str, options: StartOptions) -> None:
    """Fills a network with its first weights, in place; what the source lacks stays random.

    Raises:
        ConfigurationError: the source does not fit the network.
        ModelError: the weights are missing or unusable.
    """
    sources: dict[str, Callable[[Clip4Str, StartOptions], None]] = {
        "nothing": lambda model, options: None,
        "ppocr": _from_ppocr,
        "open_clip": _from_open_clip,
        "timm": _from_timm,
        "checkpoint": _from_checkpoint,
    }
    sources[options.source](model, options)


def _from_ppocr(model: Clip4Str, options: StartOptions) -> None:
    """Takes the convolutional stem of PP-OCRv6 small, from the file that the package reads with."""
    from ocr_plugin.training.ppocr_weights import convolutions

    targets = [part for part in model.stem.modules() if isinstance(part, nn.Conv2d)]
    if not targets:
        raise ConfigurationError("start.source is ppocr, but the network has no stem (stem_width)")
    found = convolutions(len(targets))
    shapes = [tuple(target.weight.shape) for target in targets]
    if shapes != [tuple(weight.shape) for weight, _ in found]:
        raise ConfigurationError("start.source ppocr needs a stem_width of 96")
    with torch.no_grad():
        for target, (weight, bias) in zip(targets, found, strict=True):
            target.weight.copy_(weight)
            assert target.bias is not None
            target.bias.copy_(bias)


def _from_open_clip(model: Clip4Str, options: StartOptions) -> None:
    import open_clip

    known = open_clip.list_pretrained_tags_by_model(options.name)
    if options.file is None and options.pretrained not in known:
        raise ConfigurationError(
            f"open_clip has no weights {options.pretrained!r} of {options.name!r}:"
            f" {', '.join(known) or 'no such model'}"
        )
    if options.name not in open_clip.list_models():
        raise ConfigurationError(f"open_clip has no model {options.name!r}")
    with _as_unavailable(options):
        source = open_clip.create_model(
            options.name, pretrained=str(options.file or options.pretrained)
        )
    named = f"open_clip's {options.name}"
    if model.config.text_layers:
        _fill(model.clip_model, source.state_dict(), named)
    else:
        _fill(model.clip_model.visual, source.visual.state_dict(), named)


def _from_timm(model: Clip4Str, options: StartOptions) -> None:
    import timm

    if options.name not in timm.list_pretrained():
        raise ConfigurationError(f"timm has no trained model {options.name!r}")
    overlay = None if options.file is None else {"file": str(options.file)}
    with _as_unavailable(options):
        source = timm.create_model(options.name, pretrained=True, pretrained_cfg_overlay=overlay)
    _fill(model.clip_model.visual, clip_names(source.state_dict()), f"timm's {options.name}")


@contextmanager
def _as_unavailable(options: StartOptions) -> Iterator[None]:
    """Raises all errors of fetching and reading foreign weights as one.

    Raises:
        ModelUnavailable: for any of them.
    """
    if options.file is not None and not options.file.is_file():
        raise ModelUnavailable(f"{options.file}: no such file")
    try:
        yield
    except Exception as error:  # of any library that fetches them; the cause is chained
        what = options.file or " ".join(filter(None, (options.name, options.pretrained)))
        raise ModelUnavailable(
            f"{options.source}'s {what} cannot be loaded: {first_line(error)}"
            " (start.file names a local file)"
        ) from error


def _from_checkpoint(model: Clip4Str, options: StartOptions) -> None:
    source = load_network(options.name)
    _fill(model, source.state_dict(), options.name)


def clip_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns the tensors of a timm vision transformer by the names of CLIP's image tower.

    CLIP norms the tokens before its first block and has no biased patches; timm's networks are the
    other way round. So the norm starts as it would without one's weights, and the bias goes into
    the positions.

    Args:
        state: of a plain `timm` vision transformer with a class token.

    Raises:
        ConfigurationError: it is another kind of network.
    """
    missing = {"cls_token", "pos_embed", "patch_embed.proj.weight", "norm.weight"} - state.keys()
    if missing:
        raise ConfigurationError(f"not a plain vision transformer of timm: lacks {sorted(missing)}")
    positions = state["pos_embed"][0].clone()
    if "patch_embed.proj.bias" in state:
        positions[1:] += state["patch_embed.proj.bias"]
    named = {
        "conv1.weight": state["patch_embed.proj.weight"],
        "class_embedding": state["cls_token"][0, 0],
        "positional_embedding": positions,
        "ln_post.weight": state["norm.weight"],
        "ln_post.bias": state["norm.bias"],
    }
    parts = {
        "norm1": "ln_1",
        "norm2": "ln_2",
        "attn.qkv.weight": "attn.in_proj_weight",
        "attn.qkv.bias": "attn.in_proj_bias",
        "attn.proj": "attn.out_proj",
        "mlp.fc1": "mlp.c_fc",
        "mlp.fc2": "mlp.c_proj",
    }
    for name, tensor in state.items():
        if not name.startswith("blocks."):
            continue
        _, number, rest = name.split(".", 2)
        for old, new in parts.items():
            if rest == old or rest.startswith(f"{old}."):
                named[f"transformer.resblocks.{number}.{rest.replace(old, new)}"] = tensor
    return named


def _fill(part: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Copies the tensors that both have.

    Raises:
        ConfigurationError: a tensor of another shape, or blocks that the source lacks.
    """
    own = part.state_dict()
    shared = {name: tensor for name, tensor in state.items() if name in own}
    odd = [
        f"{name} is {tuple(tensor.shape)}, not {tuple(own[name].shape)}"
        for name, tensor in shared.items()
        if tensor.shape != own[name].shape
    ]
    if odd:
        raise ConfigurationError(f"{source} does not fit the network: {odd[0]} ({len(odd)} in all)")
    if not shared:
        raise ConfigurationError(f"{source} has no weights that fit the network")
    part.load_state_dict(shared, strict=False)
