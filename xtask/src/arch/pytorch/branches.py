
OPERATIONS = [
@OPERATIONS@
]
# Of each layer, the earlier ones that it adds.
SKIPS = @SKIPS@
# Channels of each layer, and the layers after which the width changes and lengths are divided by 4.
WIDTHS = @WIDTHS@
ENDS = @ENDS@
NORM = {"momentum": @MOMENTUM@, "eps": @EPS@}
CONVOLUTIONS = {"conv_8": (8, 1), "conv_4": (4, 1), "dil_conv_8": (8, 10), "dil_conv_4": (4, 10)}


def same(x, window, stride=1, value=0.0):
    """Pads a series so that windows give ceil(length / stride) places: the smaller half first."""
    length = x.shape[2]
    total = max((-(-length // stride) - 1) * stride + window - length, 0)
    return F.pad(x, (total // 2, total - total // 2), value=value)


def max_pool(x, stride=1):
    """The largest of 4 places; padding is none of them."""
    return F.max_pool1d(same(x, 4, stride, float("-inf")), 4, stride)


def avg_pool(x):
    """The mean of 4 places at step 1; padding is none of them."""
    return F.avg_pool1d(same(x, 4), 4, 1) / F.avg_pool1d(same(torch.ones_like(x), 4), 4, 1)


class ConvNorm(nn.Module):
    """A convolution that keeps the length, batch norm."""

    def __init__(self, inputs, outputs, kernel, dilation=1):
        super().__init__()
        self.window = (kernel - 1) * dilation + 1
        self.conv = nn.Conv_d(inputs, outputs, kernel, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm_d(outputs, **NORM)

    def forward(self, x):
        return self.norm(self.conv(same(x, self.window)))


class Layer(nn.Module):
    """An operation; but for the first layer, + the earlier layers that are added, batch norm."""

    def __init__(self, operation, channels, first):
        super().__init__()
        self.operation = operation
        if operation != "identity":
            kernel, dilation = CONVOLUTIONS.get(operation, (1, 1))
            self.add_module(operation, ConvNorm(channels, channels, kernel, dilation))
        self.norm = None if first else nn.BatchNorm_d(channels, **NORM)

    def forward(self, x, earlier):
        if self.operation != "identity":
            x = F.relu(getattr(self, self.operation)(x))
        if self.operation == "max_pool_4":
            x = max_pool(x)
        if self.operation == "avg_pool_4":
            x = avg_pool(x)
        for h in earlier:
            x = x + h
        return x if self.norm is None else self.norm(x)


def read_after(end, layer):
    """Whether anything after layer `end` reads this one."""
    return layer == end or any(layer in added for added in SKIPS[end + 1 :])


class Network(nn.Module):
    """A stem, layers, what widens and shortens those that are read across a stage's end, a head over all places."""

    def __init__(self):
        super().__init__()
        self.stem = ConvNorm(@INPUTS@, WIDTHS[0], 8)
        each = enumerate(zip(OPERATIONS, WIDTHS))
        self.layers = nn.ModuleList(Layer(o, channels, i == 0) for i, (o, channels) in each)
        self.reductions = nn.ModuleDict()
        for end in ENDS:
            read = [i for i in range(end + 1) if read_after(end, i)]
            widened = {str(i): nn.Conv_d(WIDTHS[end], WIDTHS[end + 1], 1, bias=False) for i in read}
            self.reductions[str(end)] = nn.ModuleDict(widened)
        # A linear layer over all places and channels.
        self.dense = nn.Conv_d(WIDTHS[-1], @DENSE@, @LENGTH@)
        self.classifier = nn.Linear(@DENSE@, @OUTPUTS@)

    def forward(self, x):
        x, kept = self.stem(x), []
        for i, layer in enumerate(self.layers):
            kept.append(layer(x, [kept[j] for j in SKIPS[i]]))
            if i in ENDS:
                widened = self.reductions[str(i)]
                kept = [
                    max_pool(widened[str(j)](h), 4) if str(j) in widened else None for j, h in enumerate(kept)
                ]
            x = kept[-1]
        return self.classifier(F.relu(self.dense(x)).flatten(1))

