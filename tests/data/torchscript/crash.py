def forward(self, n: int):
    return torch.as_strided(torch.zeros([1]), [1], [1], n) + 1
