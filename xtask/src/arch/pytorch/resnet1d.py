
class Layer(nn.Module):
    """Convolution that keeps the length (an even kernel: the larger half of the zeros at the end), batch norm."""

    def __init__(self, inputs, outputs, kernel):
        super().__init__()
        self.padding = ((kernel - 1) // 2, kernel // 2)
        self.layers = nn.Sequential(nn.Conv1d(inputs, outputs, kernel), nn.BatchNorm1d(outputs))

    def forward(self, x):
        return self.layers(F.pad(x, self.padding))


class Stage(nn.Module):
    """Three layers with ReLU, + shortcut before the last ReLU: x, or where widths differ a 1x1 convolution and batch norm."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.layers = nn.ModuleList(
            [Layer(inputs, outputs, 8), Layer(outputs, outputs, 5), Layer(outputs, outputs, 3)]
        )
        self.residual = None
        if inputs != outputs:
            self.residual = nn.Sequential(nn.Conv1d(inputs, outputs, 1), nn.BatchNorm1d(outputs))

    def forward(self, x):
        h = F.relu(self.layers[0](x))
        h = F.relu(self.layers[1](h))
        h = self.layers[2](h)
        return F.relu(h + (self.residual(x) if self.residual is not None else x))


class Network(nn.Module):
    """Three stages, the mean over time, a linear layer."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(Stage(@INPUTS@, @C1@), Stage(@C1@, @C2@), Stage(@C2@, @C2@))
        self.final = nn.Linear(@C2@, @OUTPUTS@)

    def forward(self, x):
        return self.final(self.layers(x).mean(2))

