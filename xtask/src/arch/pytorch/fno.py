
class Weight(nn.Module):
    """A complex weight [C, O, modes, modes], by its parts."""

    def __init__(self, width, modes):
        super().__init__()
        self.re = nn.Parameter(torch.rand(width, width, modes, modes) / width**2)
        self.im = nn.Parameter(torch.rand(width, width, modes, modes) / width**2)

    def forward(self, modes):
        return torch.einsum("ncij,coij->noij", modes, torch.complex(self.re, self.im))


class Spectral(nn.Module):
    """A complex matrix over channels for each of the lowest frequencies; all others are zero."""

    def __init__(self, width, modes):
        super().__init__()
        self.modes = modes
        self.weights1 = Weight(width, modes)
        self.weights2 = Weight(width, modes)

    def forward(self, x):
        m = self.modes
        seen = torch.fft.rfft2(x)
        kept = torch.zeros_like(seen)
        kept[:, :, :m, :m] = self.weights1(seen[:, :, :m, :m])
        kept[:, :, -m:, :m] = self.weights2(seen[:, :, -m:, :m])
        return torch.fft.irfft2(kept, s=x.shape[-2:])


class Network(nn.Module):
    """A Fourier neural operator: @LAYERS@ layers of @WIDTH@ channels, @MODES@ frequencies in each direction."""

    def __init__(self):
        super().__init__()
        self.fc0 = nn.Linear(@INPUTS@, @WIDTH@)
        for i in range(@LAYERS@):
            self.add_module(f"conv{i}", Spectral(@WIDTH@, @MODES@))
        for i in range(@LAYERS@):
            self.add_module(f"w{i}", nn.Conv2d(@WIDTH@, @WIDTH@, 1))
        self.fc1 = nn.Linear(@WIDTH@, 128)
        self.fc2 = nn.Linear(128, @OUTPUTS@)

    def forward(self, x):
        h, w = x.shape[-2:]
        x = self.fc0(x.movedim(1, -1)).movedim(-1, 1)
        x = F.pad(x, [0, @PADDING@, 0, @PADDING@])
        for i in range(@LAYERS@):
            x = F.gelu(x) if i > 0 else x
            x = self.get_submodule(f"conv{i}")(x) + self.get_submodule(f"w{i}")(x)
        x = F.gelu(self.fc1(x[:, :, :h, :w].movedim(1, -1)))
        return self.fc2(x).movedim(-1, 1)
