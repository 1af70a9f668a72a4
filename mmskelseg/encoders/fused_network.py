"""Frozen image networks, rewritten to run faster with the same result."""

import copy
import operator
from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

import torch
from mmengine.logging import print_log
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

_ModuleT = TypeVar('_ModuleT', bound=nn.Module)
_RELUS = (F.relu, torch.relu, 'relu', 'relu_')
_SUMS = (operator.add, operator.iadd, torch.add, 'add', 'add_')


class FusedNetwork:
    """A frozen image network in the form that is fastest for its input.

    It maps images (N, 3, H, W) to features (N, C'), on its device and in ``dtype``. The
    mean is subtracted from each channel first, which is then divided by ``std``.
    """

    def __init__(
        self,
        network: nn.Module,
        mean: Sequence[float],
        std: Sequence[float],
        dtype: torch.dtype,
    ) -> None:
        self.dtype = dtype
        graph = trace(network)
        equal = None if graph is None else read_equal_channels(graph, mean, std)
        # The network by the number of channels that it reads.
        self._networks = {3: graph or network, 2: equal}
        self._fused: dict[torch.Size, nn.Module] = {}

    @property
    def reads_equal_channels(self) -> bool:
        """Whether it can read three equal channels as one, plus a channel of ones."""
        return self._networks[2] is not None

    def plain(self, channels: int) -> nn.Module:
        """Return a copy in plain PyTorch layers, on the CPU, for these channels."""
        network = self._networks[channels]
        assert network is not None
        return copy.deepcopy(network).cpu()

    def __call__(self, images: Tensor) -> Tensor:
        """Return features (N, C'), float32, of images (N, 3, H, W) after mean and std.

        Or of (N, 2, H, W): one of three equal channels before them, and ones.
        """
        images = images.to(self.dtype, memory_format=torch.channels_last)
        size = images.shape[1:]
        if size not in self._fused:
            self._fused[size] = self._fuse(images)
        return self._fused[size](images).float()

    def _fuse(self, images: Tensor) -> nn.Module:
        network = self._networks[images.shape[1]]
        assert network is not None
        plain = copy.deepcopy(network).to(self.dtype)
        plain.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        on_cpu = images.device.type == 'cpu' and torch.backends.mkldnn.is_available()
        if not on_cpu or not isinstance(network, fx.GraphModule):
            return plain
        try:
            fused = fuse_for_cpu(network, images)
            found, expected = fused(images[:2]).float(), plain(images[:2]).float()
        except (AttributeError, RuntimeError) as error:
            problem = str(error)
        else:
            # These operators are not PyTorch's public ones.
            apart = (found - expected).abs().max() / expected.abs().max().clamp(1e-9)
            if apart < (1e-3 if self.dtype == torch.float32 else 0.1):
                return fused
            problem = f'features differ by {apart:.1e} of their size'
        print_log(f'The network runs without fused layers: {problem}', 'current', 30)
        return plain


def trace(network: nn.Module) -> fx.GraphModule | None:
    """Return a copy of a network as a graph, or None if it cannot be traced.

    Batch normalisation is folded into the preceding convolution.
    """
    if any(module._forward_hooks for module in network.modules()):
        # A graph would drop the hooks.
        return None
    try:
        graph = fx.symbolic_trace(copy.deepcopy(network))
    except Exception as error:  # A network's own code may raise anything.
        print_log(f'{type(network).__name__} runs as it is: {error}', 'current', 10)
        return None
    modules = _called_once(graph)
    for node in graph.graph.nodes:
        conv = _module(modules, node, nn.Conv2d)
        norm = _only_user(node)
        if conv is None or norm is None:
            continue
        if (batch_norm := _module(modules, norm, nn.BatchNorm2d)) is not None:
            graph.add_submodule(node.target, fuse_conv_bn_eval(conv, batch_norm))
            norm.replace_all_uses_with(node)
            graph.graph.erase_node(norm)
    return _compiled(graph)


def read_equal_channels(
    graph: fx.GraphModule, mean: Sequence[float], std: Sequence[float]
) -> fx.GraphModule | None:
    """Return a graph that reads images of three equal channels as one, or None.

    Its input is that channel without normalisation and a channel of ones, shape
    (N, 2, H, W), instead of ``(image - mean) / std`` in three channels. The first
    convolution sums its weights over the channels. The mean goes into the weights of
    the ones, so that it does not affect the zero padding around an image.
    """
    graph = copy.deepcopy(graph)
    first = _only_user(next(iter(graph.graph.nodes)))
    if first is None:
        return None
    conv = _module(_called_once(graph), first, nn.Conv2d)
    if conv is None or conv.in_channels != 3 or conv.groups != 1:
        return None
    scale = 1 / conv.weight.new_tensor(std)
    shift = -conv.weight.new_tensor(mean) * scale
    folded = [torch.einsum('ochw,c->ohw', conv.weight, w) for w in (scale, shift)]
    conv.weight = nn.Parameter(torch.stack(folded, dim=1), requires_grad=False)
    conv.in_channels = 2
    return graph


def fuse_for_cpu(graph: fx.GraphModule, example: Tensor) -> fx.GraphModule:
    """Return a graph whose convolutions include the sums and ReLUs that follow them.

    Weights are converted to the layout of oneDNN once, not for every batch. The
    operators are those that ``torch.compile`` uses on CPUs. ``example`` is an input of
    the shape (N, C, H, W) and type to optimise for.
    """
    graph = copy.deepcopy(graph).to(example.dtype)
    ShapeProp(graph).propagate(example)
    modules = _called_once(graph)
    for node in list(graph.graph.nodes):
        conv = _module(modules, node, nn.Conv2d)
        if conv is None or conv.padding_mode != 'zeros' or type(conv.padding) is str:
            continue
        source = node.args[0]
        assert isinstance(source, fx.Node)
        args, last, relu = [source], node, False
        user = _only_user(node)
        if user is not None and _is_relu(graph, user):
            last, relu = user, True
        elif user is not None and (other := _summand(user, node)) is not None:
            after = _only_user(user)
            if after is not None and _is_relu(graph, after):
                args, last, relu = [source, other], after, True
        graph.add_submodule(
            node.target, FusedConv2d(conv, relu, source.meta['tensor_meta'].shape)
        )
        with graph.graph.inserting_before(last):
            fused = graph.graph.call_module(node.target, tuple(args))
        fused.meta = dict(last.meta)
        last.replace_all_uses_with(fused)
        for old in dict.fromkeys((last, user if len(args) == 2 else last, node)):
            graph.graph.erase_node(old)
    return _compiled(graph)


class FusedConv2d(nn.Module):
    """A convolution, optionally followed by the addition of a summand and a ReLU."""

    def __init__(self, conv: nn.Conv2d, relu: bool, input_shape: Sequence[int]) -> None:
        super().__init__()
        padding, stride, dilation = map(
            list, (conv.padding, conv.stride, conv.dilation)
        )
        self.settings = (padding, stride, dilation, conv.groups)
        # Not a parameter or buffer, since its layout is opaque.
        self.weight = torch.ops.mkldnn._reorder_convolution_weight(
            conv.weight.detach(), *self.settings, list(input_shape)
        )
        self.bias = conv.bias
        self.relu = 'relu' if relu else None

    def forward(self, x: Tensor, summand: Tensor | None = None) -> Tensor:
        """Return the result for x, with the summand added, if one is given."""
        convolve = torch.ops.mkldnn._convolution_pointwise
        parts = (self.weight, self.bias, *self.settings)
        if summand is None:
            return convolve(x, *parts, self.relu or 'none', [], None)
        return convolve.binary(x, summand, *parts, 'add', 1.0, self.relu, [], None)


def _compiled(graph: fx.GraphModule) -> fx.GraphModule:
    graph.graph.lint()
    graph.delete_all_unused_submodules()
    graph.recompile()
    return graph


def _called_once(graph: fx.GraphModule) -> dict[str, nn.Module]:
    """Return the modules that only one node calls, which can be changed for it."""
    calls = Counter(n.target for n in graph.graph.nodes if n.op == 'call_module')
    return {name: m for name, m in graph.named_modules() if calls[name] == 1}


def _only_user(node: fx.Node) -> fx.Node | None:
    return next(iter(node.users)) if len(node.users) == 1 else None


def _module(
    modules: dict[str, nn.Module], node: fx.Node, kind: type[_ModuleT]
) -> _ModuleT | None:
    """Return the module that a node calls if it is exactly of a type, else None."""
    module = modules.get(str(node.target)) if node.op == 'call_module' else None
    return module if type(module) is kind else None


def _is_relu(graph: fx.GraphModule, node: fx.Node) -> bool:
    if node.op == 'call_module':
        return type(graph.get_submodule(str(node.target))) is nn.ReLU
    return node.op in ('call_function', 'call_method') and node.target in _RELUS


def _summand(node: fx.Node, result: fx.Node) -> fx.Node | None:
    """Return the node that a node adds to a result, or None if it adds none."""
    if node.op not in ('call_function', 'call_method') or node.target not in _SUMS:
        return None
    if node.kwargs or len(node.args) != 2 or node.args[0] is node.args[1]:
        return None
    other = node.args[1] if node.args[0] is result else node.args[0]
    metas = [n.meta.get('tensor_meta') for n in (result, other) if type(n) is fx.Node]
    shapes = [getattr(meta, 'shape', None) for meta in metas]
    fits = len(shapes) == 2 and shapes[0] is not None and shapes[0] == shapes[1]
    return other if fits and isinstance(other, fx.Node) else None
