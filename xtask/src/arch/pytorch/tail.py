
def read_safetensors(path):
    """The tensors of a safetensors file of 32-bit floats, by name."""
    data = Path(path).read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, entry in json.loads(data[8:start]).items():
        if name != "__metadata__":
            begin, end = (start + at for at in entry["data_offsets"])
            flat = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.float32)
            tensors[name] = flat.reshape(entry["shape"])
    return tensors


def load(weights=HERE / "weights.safetensors"):
    """The network with its weights, in evaluation mode."""
    net = Network()
    tensors = read_safetensors(weights)
    # PyTorch's batch norms count batches as well, which evaluation does not read.
    state = {name: t for name, t in net.state_dict().items() if name.endswith("num_batches_tracked")}
    net.load_state_dict({**state, **tensors})
    return net.eval()


if __name__ == "__main__":
    print(f"{sum(p.numel() for p in load().parameters()):,} parameters")
